import { BookOpen, Code, FileText, Hand, type LucideIcon, NotebookPen, Sparkles } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Card } from '@/components/ui/card'
import { CodeBlock } from '@/components/ui/code-block'
import { InlineCode } from '@/components/ui/inline-code'
import { languageName } from '@/lib/code-language'
import type { Criterion, Plan, PlanStep } from '@/lib/wire'

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
  const numbers = numbersOf(plan.steps)
  return (
    <div>
      <p className="mb-4 flex items-center gap-2 text-[0.8125rem] text-muted">
        <Sparkles className="size-4" aria-hidden="true" />
        {t(`plan.by.${plan.planner}`)} · {t('plan.steps', { count: plan.steps.length })}
      </p>
      <ol className="flex flex-col gap-3">
        {plan.steps.map((step) => (
          <li key={step.id}>
            <Card suggested={suggested} className="p-4 sm:p-5">
              <PlannedStep step={step} numbers={numbers} heading="h3" fold="long" />
            </Card>
          </li>
        ))}
      </ol>
    </div>
  )
}

/** Of more steps than this, one wants to see the list before the code. */
const FEW_STEPS = 2

interface ListProps {
  steps: readonly PlanStep[]
}

/** Steps of a plan one below the other, inside of something that has its own frame. */
export function PlanSteps({ steps }: ListProps) {
  const numbers = numbersOf(steps)
  return (
    <ol className="divide-y divide-line-soft rounded-xl border border-line-soft">
      {steps.map((step) => (
        <li key={step.id} className="p-4">
          <PlannedStep
            step={step}
            numbers={numbers}
            heading="h5"
            fold={steps.length > FEW_STEPS ? 'short' : 'long'}
          />
        </li>
      ))}
    </ol>
  )
}

/** The numbers under which steps are shown, by id. */
function numbersOf(steps: readonly PlanStep[]): Map<string, number> {
  return new Map(steps.map((step, index) => [step.id, index + 1]))
}

interface StepProps {
  step: PlanStep
  numbers: Map<string, number>
  heading: 'h3' | 'h5'
  fold: 'short' | 'long'
}

function PlannedStep({ step, numbers, heading: Heading, fold }: StepProps) {
  const { t } = useTranslation()
  const Icon = ICONS[step.kind]
  // Steps outside of the list are of no help here.
  const needs = step.depends_on.flatMap((id) => numbers.get(id) ?? [])
  return (
    <div className="flex items-start gap-3 sm:gap-4">
      <span className="w-5 shrink-0 pt-px text-right text-muted tabular-nums">{numbers.get(step.id)}</span>
      <div className="min-w-0 flex-1">
        <Heading className="font-medium break-words">{step.title}</Heading>
        <p className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted">
          <span className="inline-flex items-center gap-1.5">
            <Icon className="size-3.5" aria-hidden="true" /> {t(`kind.${step.kind}`)}
            {step.language ? ` · ${languageName(step.language)}` : null}
          </span>
          {needs.length > 0 ? <span>{t('plan.after', { steps: needs.join(', ') })}</span> : null}
        </p>
        {step.detail ? (
          <p className="mt-3 break-words whitespace-pre-wrap text-muted">{step.detail}</p>
        ) : null}
        {step.code ? (
          <CodeBlock code={step.code} language={step.language} fold={fold} className="mt-3" />
        ) : null}
        {step.acceptance.length > 0 ? (
          <div className="mt-3">
            <Criteria criteria={step.acceptance} />
          </div>
        ) : null}
      </div>
    </div>
  )
}

/** What must hold, with the code that finds out where there is some. What is said twice stands here once. */
export function Criteria({ criteria }: { criteria: readonly Criterion[] }) {
  const once = criteria.filter(
    (criterion, place) => criteria.findIndex((other) => sameToRead(criterion, other)) === place,
  )
  return (
    <ul className="flex flex-col gap-1 text-[0.8125rem]">
      {once.map((criterion) => (
        <li key={`${criterion.text} ${codeOf(criterion)}`} className="flex gap-2">
          <span aria-hidden="true" className="mt-1.5 size-2 shrink-0 rounded-full border border-slate" />
          <div className="min-w-0 flex-1 break-words">
            <InlineCode text={criterion.text} />
            <CheckCode criterion={criterion} />
          </div>
        </li>
      ))}
    </ul>
  )
}

function CheckCode({ criterion }: { criterion: Criterion }) {
  const code = codeOf(criterion)
  const language = criterion.check?.language
  if (!code || criterion.text.includes(code.trim())) return null
  return (
    <CodeBlock
      code={code}
      language={typeof language === 'string' ? language : null}
      fold="short"
      className="mt-1.5 mb-1"
    />
  )
}

function sameToRead(one: Criterion, other: Criterion): boolean {
  return one.text === other.text && codeOf(one) === codeOf(other)
}

function codeOf(criterion: Criterion): string {
  const code = criterion.check?.code
  return typeof code === 'string' ? code : ''
}
