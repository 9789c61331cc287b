import { BookOpen, Code, FileText, Hand, type LucideIcon, NotebookPen, Sparkles } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Card } from '@/components/ui/card'
import { CodeBlock } from '@/components/ui/code-block'
import type { Plan, PlanStep } from '@/lib/wire'

const ICONS: Record<PlanStep['kind'], LucideIcon> = {
  code: Code,
  gate: Hand,
  report: FileText,
  recall: BookOpen,
  note: NotebookPen,
}

interface Props {
  plan: Plan
  /** Not started yet: a suggestion, with dashed borders. */
  suggested?: boolean
}

/** A plan, step by step: what each needs, what it does, how one will know that it worked. */
export function PlanOutline({ plan, suggested = false }: Props) {
  const { t } = useTranslation()
  const titles = new Map(plan.steps.map((step, index) => [step.id, `${index + 1}`]))
  return (
    <div>
      <p className="mb-4 flex items-center gap-2 text-[0.8125rem] text-muted">
        <Sparkles className="size-4" aria-hidden="true" />
        {t(`plan.by.${plan.planner}`)} · {t('plan.steps', { count: plan.steps.length })}
      </p>
      <ol className="flex flex-col gap-3">
        {plan.steps.map((step, index) => (
          <li key={step.id}>
            <PlanStepCard
              step={step}
              number={index + 1}
              needs={step.depends_on.map((id) => titles.get(id) ?? id)}
              suggested={suggested}
            />
          </li>
        ))}
      </ol>
    </div>
  )
}

interface StepProps {
  step: PlanStep
  number: number
  needs: string[]
  suggested: boolean
}

function PlanStepCard({ step, number, needs, suggested }: StepProps) {
  const { t } = useTranslation()
  const Icon = ICONS[step.kind]
  return (
    <Card suggested={suggested} className="p-4 sm:p-5">
      <div className="flex items-start gap-4">
        <span className="w-5 shrink-0 pt-px text-right text-muted tabular-nums">{number}</span>
        <div className="min-w-0 flex-1">
          <h3 className="font-medium break-words">{step.title}</h3>
          <p className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted">
            <span className="inline-flex items-center gap-1.5">
              <Icon className="size-3.5" aria-hidden="true" /> {t(`kind.${step.kind}`)}
              {step.language ? ` · ${step.language}` : null}
            </span>
            {needs.length > 0 ? <span>{t('plan.after', { steps: needs.join(', ') })}</span> : null}
          </p>
          {step.detail ? (
            <p className="mt-3 break-words whitespace-pre-wrap text-muted">{step.detail}</p>
          ) : null}
          {step.code ? (
            <div className="mt-3">
              <CodeBlock label={step.language ?? t('step.code')} code={step.code} />
            </div>
          ) : null}
          {step.acceptance.length > 0 ? (
            <ul className="mt-3 flex flex-col gap-1 text-[0.8125rem]">
              {step.acceptance.map((check) => (
                <li key={check.text} className="flex gap-2">
                  <span
                    aria-hidden="true"
                    className="mt-1.5 size-2 shrink-0 rounded-full border border-slate"
                  />
                  <span className="min-w-0 break-words">{check.text}</span>
                </li>
              ))}
            </ul>
          ) : null}
        </div>
      </div>
    </Card>
  )
}
