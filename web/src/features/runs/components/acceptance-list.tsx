import { Circle, CircleCheck, CircleX } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { Acceptance } from '../api'

/** What a step must fulfil, and whether it did. */
export function AcceptanceList({ checks }: { checks: readonly Acceptance[] }) {
  const { t } = useTranslation()
  return (
    <ul className="flex flex-col gap-2">
      {checks.map((check) => (
        <li key={check.text} className="flex gap-2.5">
          <CheckMark passed={check.passed} />
          <div className="min-w-0">
            <p className="break-words">
              <span className="sr-only">{t(`acceptance.${verdict(check.passed)}`)}: </span>
              {check.text}
            </p>
            {check.detail ? <p className="text-xs break-words text-muted">{check.detail}</p> : null}
          </div>
        </li>
      ))}
    </ul>
  )
}

function verdict(passed: boolean | null): 'open' | 'passed' | 'failed' {
  if (passed === null) return 'open'
  return passed ? 'passed' : 'failed'
}

function CheckMark({ passed }: { passed: boolean | null }) {
  const look = 'mt-0.5 size-4 shrink-0'
  if (passed === null) return <Circle className={`${look} text-muted`} aria-hidden="true" />
  if (passed) return <CircleCheck className={`${look} text-good`} aria-hidden="true" />
  return <CircleX className={`${look} text-bad`} aria-hidden="true" />
}
