import { ChevronDown, CircleAlert, Trash2, TriangleAlert, WandSparkles } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/button'
import { Disclosure } from '@/components/ui/disclosure'
import { cn } from '@/lib/cn'
import type { PreviewProblem } from '../preview-messages'

interface Props {
  problems: readonly PreviewProblem[]
  onClear: () => void
  onAsk: (text: string) => void
}

/** What went wrong in the previewed page, as its console says. */
export function PreviewProblems({ problems, onClear, onAsk }: Props) {
  const { t } = useTranslation('studio')
  const [open, setOpen] = useState(false)
  if (problems.length === 0) return null
  const errors = problems.filter((problem) => problem.level === 'error')
  const count = errors.length
  return (
    <section
      aria-label={t('preview.problems')}
      data-testid="preview-problems"
      className="shrink-0 border-t border-line-soft bg-surface"
    >
      <div className="flex items-center gap-2 py-1 pr-2 pl-1">
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex min-w-0 flex-1 items-center gap-2 rounded-md px-2 py-1.5 text-left text-[0.8125rem] hover:bg-raised"
        >
          <CircleAlert
            className={cn('size-4 shrink-0', count > 0 ? 'text-bad' : 'text-wait')}
            aria-hidden="true"
          />
          <span className="shrink-0 font-medium">
            {count > 0 ? t('preview.errors', { count }) : t('preview.warnings', { count: problems.length })}
          </span>
          <span className="truncate text-muted max-sm:hidden">{problems.at(-1)?.message}</span>
          <ChevronDown
            className={cn('ml-auto size-4 shrink-0 text-muted transition-transform', !open && 'rotate-180')}
            aria-hidden="true"
          />
        </button>
        <Button
          size="sm"
          onClick={() => onAsk(t('preview.askErrors', { errors: asText(count > 0 ? errors : problems) }))}
        >
          <WandSparkles /> {t('preview.askFix')}
        </Button>
        <Button
          variant="ghost"
          size="icon"
          className="!size-8"
          aria-label={t('preview.clear')}
          title={t('preview.clear')}
          onClick={onClear}
        >
          <Trash2 />
        </Button>
      </div>
      {open ? (
        <ul className="max-h-56 overflow-y-auto border-t border-line-soft">
          {problems.map((problem) => (
            <li
              key={`${problem.level} ${problem.message}`}
              className="flex gap-2.5 border-b border-line-soft px-3 py-2 text-xs last:border-b-0"
            >
              {problem.level === 'error' ? (
                <CircleAlert className="mt-0.5 size-3.5 shrink-0 text-bad" aria-hidden="true" />
              ) : (
                <TriangleAlert className="mt-0.5 size-3.5 shrink-0 text-wait" aria-hidden="true" />
              )}
              <div className="min-w-0 flex-1">
                <p className="font-mono break-words whitespace-pre-wrap">{problem.message}</p>
                {problem.stack ? (
                  <Disclosure title={t('preview.stack')} className="mt-1">
                    <pre className="font-mono whitespace-pre-wrap text-muted">{problem.stack}</pre>
                  </Disclosure>
                ) : null}
              </div>
              {problem.count > 1 ? (
                <span className="shrink-0 text-muted tabular-nums">
                  <span aria-hidden="true">× {problem.count}</span>
                  <span className="sr-only">{t('preview.times', { count: problem.count })}</span>
                </span>
              ) : null}
            </li>
          ))}
        </ul>
      ) : null}
    </section>
  )
}

/** The problems for a message: the last few, each with where it comes from. */
function asText(problems: readonly PreviewProblem[]): string {
  return problems
    .slice(-5)
    .map(
      ({ message, stack }) =>
        `\`\`\`\n${message}${stack ? `\n${stack.split('\n').slice(0, 6).join('\n')}` : ''}\n\`\`\``,
    )
    .join('\n')
}
