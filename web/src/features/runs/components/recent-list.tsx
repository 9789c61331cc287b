import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { ErrorState } from '@/components/states/notices'
import { Card } from '@/components/ui/card'
import { SkeletonList } from '@/components/ui/skeleton'
import { isOver, runsByStatusQuery } from '../api'
import { RunRow } from './run-row'

/** What was finished last. */
export function RecentList() {
  const { t } = useTranslation()
  const runs = useQuery(runsByStatusQuery(undefined, 20))
  if (runs.isPending) return <SkeletonList rows={3} />
  if (runs.error && !runs.data) return <ErrorState error={runs.error} onRetry={() => runs.refetch()} />
  const finished = (runs.data ?? []).filter((run) => isOver(run.status) && run.parent_id === null).slice(0, 6)
  if (finished.length === 0) return <p className="text-muted">{t('today.nothingFinished')}</p>
  return (
    <Card className="overflow-hidden">
      <ul className="divide-y divide-line-soft">
        {finished.map((run) => (
          <li key={run.id}>
            <RunRow run={run} />
          </li>
        ))}
      </ul>
    </Card>
  )
}
