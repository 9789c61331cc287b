import { ChevronDown } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Card } from '@/components/ui/card'
import { cn } from '@/lib/cn'
import { formatDuration } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import type { Step } from '../api'
import { StepStatusMark } from './status'

interface Props {
  steps: readonly Step[]
  selected: string | undefined
  onSelect: (name: string | undefined) => void
  renderStep: (step: Step) => ReactNode
}

/** The steps of a run where there is no room for a graph: one below the other, the chosen one open. */
export function StepList({ steps, selected, onSelect, renderStep }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  return (
    <ol className="flex flex-col gap-2">
      {steps.map((step) => {
        const open = step.name === selected
        return (
          <li key={step.name}>
            <Card className="overflow-hidden">
              <button
                type="button"
                data-step={step.name}
                data-status={step.status}
                aria-expanded={open}
                onClick={() => onSelect(open ? undefined : step.name)}
                className="flex w-full items-center gap-3 px-4 py-3 text-left -outline-offset-2"
              >
                <StepStatusMark status={step.status} />
                <span className="min-w-0 flex-1">
                  <span className="block font-medium break-words">{step.title}</span>
                  <span className="block text-xs text-muted">
                    {t(`stepStatus.${step.status}`)}
                    {step.duration_ms === null ? null : ` · ${formatDuration(step.duration_ms, language)}`}
                  </span>
                </span>
                <ChevronDown
                  className={cn('size-4 shrink-0 text-muted transition-transform', open && 'rotate-180')}
                  aria-hidden="true"
                />
              </button>
              {open ? <div className="border-t border-line-soft p-4">{renderStep(step)}</div> : null}
            </Card>
          </li>
        )
      })}
    </ol>
  )
}
