import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { formatAgo, formatDuration } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useNow } from '@/lib/use-now'
import { isOver, type Run } from '../api'
import { workflowName } from '../workflow-name'
import { RunStatusMark } from './status'

/** One run in a list. The whole row leads to it. */
export function RunRow({ run }: { run: Run }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const over = isOver(run.status)
  const now = useNow(over ? 60_000 : 1_000)
  const end = run.finished_at ? Date.parse(run.finished_at) : now
  return (
    <Link
      to="/runs/$id"
      params={{ id: run.id }}
      className="group flex items-center gap-4 px-4 py-3.5 transition-colors hover:bg-raised -outline-offset-2"
    >
      <RunStatusMark status={run.status} />
      <span className="min-w-0 flex-1">
        <span className="block truncate font-medium">{run.title}</span>
        <span className="mt-0.5 block truncate text-xs text-muted">
          {t(`status.${run.status}`)}
          {' · '}
          {workflowName(run.workflow, t)}
          {run.error ? ` · ${run.error.message}` : null}
        </span>
      </span>
      <span className="shrink-0 text-right text-xs text-muted tabular-nums">
        <span className="block">{formatAgo(run.created_at, now, language)}</span>
        <span className="mt-0.5 block">{formatDuration(end - Date.parse(run.created_at), language)}</span>
      </span>
    </Link>
  )
}
