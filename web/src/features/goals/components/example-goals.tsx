import { ListChecks, MessageSquareText, NotebookText } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { EXAMPLES, type Example } from '../examples'

const ICONS = { words: MessageSquareText, list: ListChecks, runbook: NotebookText }

/** Three goals to begin with, one for each way of writing them. */
export function ExampleGoals({ onPick }: { onPick: (example: Example) => void }) {
  const { t } = useTranslation()
  return (
    <ul className="grid gap-3 sm:grid-cols-3">
      {EXAMPLES.map((example) => {
        const Icon = ICONS[example]
        return (
          <li key={example}>
            <button
              type="button"
              onClick={() => onPick(example)}
              className="flex h-full w-full flex-col items-start rounded-xl border border-dashed border-slate bg-surface p-5 text-left transition-[background-color,transform] duration-200 ease-spring hover:-translate-y-0.5 hover:bg-raised"
            >
              <span
                className="grid size-9 place-items-center rounded-full bg-primary-soft text-wait"
                aria-hidden="true"
              >
                <Icon className="size-4" />
              </span>
              <span className="mt-4 font-medium">{t(`example.${example}.title`)}</span>
              <span className="mt-1 text-[0.8125rem] leading-relaxed text-muted">
                {t(`example.${example}.detail`)}
              </span>
            </button>
          </li>
        )
      })}
    </ul>
  )
}
