import { useInfiniteQuery } from '@tanstack/react-query'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { ListTree, SearchX } from 'lucide-react'
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState, Notice } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { SkeletonList } from '@/components/ui/skeleton'
import { type Run, type RunFilters, runPagesQuery } from '../api'
import { RunFilterBar } from './run-filters'
import { RunRow } from './run-row'

interface Props {
  filters: RunFilters
  onFilters: (filters: RunFilters) => void
  /** What one can do when there is no run at all yet. */
  firstAction: ReactNode
}

/** All runs, newest first. Only the rows in view are in the document; more are fetched on the way down. */
export function RunList({ filters, onFilters, firstAction }: Props) {
  const { t } = useTranslation()
  const query = useInfiniteQuery(runPagesQuery(filters))
  const runs = query.data?.pages.flatMap((page) => page.items) ?? []
  const filtered = Boolean(filters.q || filters.status || filters.workflow)

  return (
    <>
      <RunFilterBar filters={filters} workflows={runs.map((run) => run.workflow)} onChange={onFilters} />
      {query.isPending ? (
        <SkeletonList rows={6} />
      ) : query.error && runs.length === 0 ? (
        <ErrorState error={query.error} onRetry={() => query.refetch()} />
      ) : runs.length === 0 && filtered ? (
        <Notice
          icon={<SearchX />}
          title={t('runs.noneFound')}
          action={<Button onClick={() => onFilters({})}>{t('runs.clear')}</Button>}
        >
          {t('runs.noneFoundHint')}
        </Notice>
      ) : runs.length === 0 ? (
        <Notice icon={<ListTree />} title={t('runs.none')} action={firstAction}>
          {t('runs.noneHint')}
        </Notice>
      ) : (
        <Rows
          runs={runs}
          hasMore={query.hasNextPage}
          loadingMore={query.isFetchingNextPage}
          onMore={() => void query.fetchNextPage()}
        />
      )}
    </>
  )
}

interface RowsProps {
  runs: Run[]
  hasMore: boolean
  loadingMore: boolean
  onMore: () => void
}

function Rows({ runs, hasMore, loadingMore, onMore }: RowsProps) {
  const { t } = useTranslation()
  const list = useRef<HTMLUListElement>(null)
  const [top, setTop] = useState(0)
  useLayoutEffect(() => setTop(list.current?.offsetTop ?? 0), [])
  const rows = useWindowVirtualizer({
    count: runs.length,
    estimateSize: () => 69,
    overscan: 8,
    scrollMargin: top,
    getItemKey: (index) => runs[index]?.id ?? index,
  })
  const items = rows.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasMore && !loadingMore && last >= runs.length - 10) onMore()
  }, [hasMore, loadingMore, last, runs.length, onMore])

  return (
    <>
      <Card className="overflow-hidden">
        <ul ref={list} className="relative" style={{ height: rows.getTotalSize() }}>
          {items.map((item) => {
            const run = runs[item.index]
            if (!run) return null
            return (
              <li
                key={item.key}
                data-index={item.index}
                ref={rows.measureElement}
                aria-setsize={hasMore ? -1 : runs.length}
                aria-posinset={item.index + 1}
                className="absolute inset-x-0 top-0 border-b border-line-soft"
                style={{ transform: `translateY(${item.start - top}px)` }}
              >
                <RunRow run={run} />
              </li>
            )
          })}
        </ul>
      </Card>
      {hasMore ? (
        <div className="mt-4 text-center">
          <Button variant="ghost" disabled={loadingMore} onClick={onMore}>
            {t(loadingMore ? 'state.loading' : 'runs.more')}
          </Button>
        </div>
      ) : null}
    </>
  )
}
