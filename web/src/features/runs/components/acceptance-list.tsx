import { Circle, CircleCheck, CircleX } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { InlineCode } from '@/components/ui/inline-code'
import type { Acceptance } from '../api'

/** What a step must fulfil, and whether it did. */
export function AcceptanceList({ checks }: { checks: readonly Acceptance[] }) {
  const { t } = useTranslation()
  return (
    <ul className="flex flex-col gap-2">
      {once(checks).map((check) => (
        <li key={`${check.text} ${check.passed} ${check.detail}`} className="flex gap-2.5">
          <CheckMark passed={check.passed} />
          <div className="min-w-0">
            <p className="break-words">
              <span className="sr-only">{t(`acceptance.${verdict(check.passed)}`)}: </span>
              <InlineCode text={check.text} />
            </p>
            {check.detail ? <p className="text-xs break-words text-muted">{check.detail}</p> : null}
          </div>
        </li>
      ))}
    </ul>
  )
}

/** A line of a goal that says several things is checked several times; what reads the same stands here once. */
function once(checks: readonly Acceptance[]): Acceptance[] {
  const same = (one: Acceptance, other: Acceptance) =>
    one.text === other.text && one.detail === other.detail && one.passed === other.passed
  return checks.filter((check, place) => checks.findIndex((other) => same(check, other)) === place)
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
