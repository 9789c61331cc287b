import { useTranslation } from 'react-i18next'
import { formatDateTime } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { actorName } from '../actor-name'
import type { Gate } from '../api'

/** What was answered to a question, by whom and when. */
export function GateAnswer({ gate }: { gate: Gate }) {
  const { t } = useTranslation()
  const language = useLanguage()
  if (gate.decision === null) return <p className="text-muted">{t('gate.open')}</p>
  return (
    <div>
      <p>
        <span className="font-medium first-letter:uppercase">{t(`decision.${gate.decision}`)}</span>
        {gate.decided_by ? (
          <span className="text-muted"> {t('run.by', { actor: actorName(gate.decided_by, t) })}</span>
        ) : null}
        {gate.decided_at ? (
          <span className="text-muted"> · {formatDateTime(gate.decided_at, language)}</span>
        ) : null}
      </p>
      {gate.feedback ? (
        <blockquote className="mt-2 border-l-2 border-line pl-3 break-words whitespace-pre-wrap">
          {gate.feedback}
        </blockquote>
      ) : null}
    </div>
  )
}
