import { useQueries, useQuery } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState } from '@/components/states/notices'
import { SkeletonList } from '@/components/ui/skeleton'
import { runQuery, runsByStatusQuery } from '../api'

// Most visits find no open gate; the card and the font for code come with the first one.
const GateCard = lazy(() => import('./gate-card').then((module) => ({ default: module.GateCard })))

const SHOWN = 10

/** Every open gate of every run, to be answered on the spot. */
export function WaitingList() {
  const { t } = useTranslation()
  const runs = useQuery(runsByStatusQuery('waiting_approval', 50))
  const shown = (runs.data ?? []).slice(0, SHOWN)
  const details = useQueries({ queries: shown.map((run) => runQuery(run.id)) })

  if (runs.isPending) return <SkeletonList rows={1} height="h-40" />
  if (runs.error && !runs.data) return <ErrorState error={runs.error} onRetry={() => runs.refetch()} />
  if (shown.length === 0) return <p className="text-muted">{t('today.nothingWaits')}</p>
  const failed = details.find((detail) => detail.error && !detail.data)
  return (
    <div className="flex flex-col gap-4">
      <Suspense fallback={<SkeletonList rows={shown.length} height="h-40" />}>
        {details.flatMap((detail) =>
          (detail.data?.gates ?? [])
            .filter((gate) => gate.decision === null)
            .map((gate) => (
              <GateCard
                key={`${detail.data?.id} ${gate.name}`}
                runId={detail.data?.id ?? ''}
                runTitle={detail.data?.title}
                gate={gate}
                artifacts={detail.data?.artifacts ?? []}
              />
            )),
        )}
      </Suspense>
      {details.some((detail) => detail.isPending) ? <SkeletonList rows={1} height="h-40" /> : null}
      {failed?.error ? <ErrorState error={failed.error} onRetry={() => failed.refetch()} /> : null}
    </div>
  )
}
