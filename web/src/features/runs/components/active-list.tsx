import { useQueries, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { ErrorState } from '@/components/states/notices'
import { Card } from '@/components/ui/card'
import { SkeletonList } from '@/components/ui/skeleton'
import { formatDuration } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useNow } from '@/lib/use-now'
import { ACTIVE_STATUSES, type Run, type RunDetail, runQuery, runsByStatusQuery } from '../api'
import { stepTitle } from '../arrange-steps'
import { progressOf } from '../progress'
import { RunStatusMark } from './status'

/** What is being worked on at this moment, and how far it has come. */
export function ActiveList() {
  const { t } = useTranslation()
  const lists = useQueries({ queries: ACTIVE_STATUSES.map((status) => runsByStatusQuery(status, 20)) })
  const error = lists.find((list) => list.error && !list.data)?.error
  if (error) return <ErrorState error={error} onRetry={() => lists.forEach((list) => void list.refetch())} />
  if (lists.some((list) => list.isPending)) return <SkeletonList rows={2} />
  const runs = lists
    .flatMap((list) => list.data ?? [])
    .filter((run) => run.parent_id === null)
    .sort((a, b) => b.created_at.localeCompare(a.created_at))
  if (runs.length === 0) return <p className="text-muted">{t('today.nothingRuns')}</p>
  return (
    <ul className="flex flex-col gap-3">
      {runs.map((run) => (
        <li key={run.id}>
          <ActiveRun run={run} />
        </li>
      ))}
    </ul>
  )
}

function ActiveRun({ run }: { run: Run }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const now = useNow(1_000)
  const detail = useQuery(runQuery(run.id))
  return (
    <Link to="/runs/$id" params={{ id: run.id }} className="block rounded-xl">
      <Card className="flex items-center gap-4 px-4 py-3.5 transition-colors hover:border-line">
        <RunStatusMark status={run.status} />
        <div className="min-w-0 flex-1">
          <div className="flex items-baseline justify-between gap-4">
            <span className="truncate font-medium">{run.title}</span>
            <span className="shrink-0 text-xs text-muted tabular-nums">
              {formatDuration(now - Date.parse(run.created_at), language)}
            </span>
          </div>
          {detail.data && detail.data.steps.length > 0 ? (
            <Progress run={detail.data} />
          ) : (
            <p className="mt-0.5 text-xs text-muted">{t(`status.${run.status}`)}</p>
          )}
        </div>
      </Card>
    </Link>
  )
}

function Progress({ run }: { run: RunDetail }) {
  const { t } = useTranslation()
  const { done, total, current } = progressOf(run.steps)
  return (
    <>
      <p className="mt-0.5 truncate text-xs text-muted">
        {t('today.progress', { done, total })}
        {current ? ` · ${stepTitle(run.workflow, current, t)}` : null}
      </p>
      <div
        role="progressbar"
        aria-label={run.title}
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={done}
        className="mt-2.5 h-1.5 overflow-hidden rounded-full bg-sunken"
      >
        <div
          className="h-full origin-left rounded-full bg-primary transition-transform duration-500 ease-spring"
          style={{ transform: `scaleX(${done / total})` }}
        />
      </div>
    </>
  )
}
