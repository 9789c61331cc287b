import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { FileText, SearchX } from 'lucide-react'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { PrivacyBadge } from '@/components/memory/privacy-badge'
import { ErrorState, Notice } from '@/components/states/notices'
import { Button, buttonClass } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { SkeletonList } from '@/components/ui/skeleton'
import { formatAgo, formatDateTime, formatNumber } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useNow } from '@/lib/use-now'
import { documentPagesQuery } from '../api'
import { readFilters, writeFilters } from '../filters'
import { useHeldDeletes } from '../held'
import { isThere } from '../held-deletes'
import { titleOf } from '../names'
import type { CollectionViewState } from '../views'
import type { MemoryDocument } from '../wire'
import { DeleteDocument } from './delete-document'
import { FilterBar } from './filter-bar'

interface Props {
  collection: string
  view: CollectionViewState
  onView: (view: CollectionViewState) => void
}

/** The documents of a collection. Only the rows in view are in the page; more are fetched on the way down. */
export function DocumentList({ collection, view, onView }: Props) {
  const { t } = useTranslation('memory')
  const held = useHeldDeletes()
  const filters = useMemo(() => readFilters(view.f), [view.f])
  const query = useInfiniteQuery(documentPagesQuery(collection, filters))
  const documents = (query.data?.pages.flatMap((page) => page.items) ?? []).filter(({ id }) =>
    isThere(held, id),
  )
  return (
    <>
      <search className="mb-4 block">
        <FilterBar
          filters={filters}
          without="collection"
          onChange={(next) => onView({ f: writeFilters(next) })}
        />
      </search>
      {query.isPending ? (
        <SkeletonList rows={6} />
      ) : query.error && documents.length === 0 ? (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      ) : documents.length === 0 && filters.length > 0 ? (
        <Notice
          icon={<SearchX />}
          title={t('documents.noneFound')}
          action={<Button onClick={() => onView({})}>{t('filter.clear')}</Button>}
        >
          {t('find.noneFiltered')}
        </Notice>
      ) : documents.length === 0 && !query.hasNextPage ? (
        <Notice
          icon={<FileText />}
          title={t('documents.none')}
          action={
            <Link to="/memory/import" search={{ to: collection }} className={buttonClass('primary')}>
              {t('find.import')}
            </Link>
          }
        >
          {t('documents.noneHint')}
        </Notice>
      ) : (
        <Rows
          documents={documents}
          hasMore={query.hasNextPage}
          loadingMore={query.isFetchingNextPage}
          onMore={() => void query.fetchNextPage()}
        />
      )}
    </>
  )
}

interface RowsProps {
  documents: MemoryDocument[]
  hasMore: boolean
  loadingMore: boolean
  onMore: () => void
}

function Rows({ documents, hasMore, loadingMore, onMore }: RowsProps) {
  const { t } = useTranslation('memory')
  const list = useRef<HTMLUListElement>(null)
  const [top, setTop] = useState(0)
  useLayoutEffect(() => setTop(list.current?.offsetTop ?? 0), [])
  const rows = useWindowVirtualizer({
    count: documents.length,
    estimateSize: () => 69,
    overscan: 8,
    scrollMargin: top,
    getItemKey: (index) => documents[index]?.id ?? index,
  })
  const items = rows.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasMore && !loadingMore && last >= documents.length - 10) onMore()
  }, [hasMore, loadingMore, last, documents.length, onMore])
  return (
    <>
      <Card className="overflow-hidden">
        <ul
          ref={list}
          aria-label={t('documents.title')}
          className="relative"
          style={{ height: rows.getTotalSize() }}
        >
          {items.map((item) => {
            const document = documents[item.index]
            if (!document) return null
            return (
              <li
                key={item.key}
                data-index={item.index}
                ref={rows.measureElement}
                aria-setsize={hasMore ? -1 : documents.length}
                aria-posinset={item.index + 1}
                className="absolute inset-x-0 top-0 border-b border-line-soft"
                style={{ transform: `translateY(${item.start - top}px)` }}
              >
                <DocumentRow document={document} />
              </li>
            )
          })}
        </ul>
      </Card>
      {hasMore ? (
        <div className="mt-4 text-center">
          <Button variant="ghost" disabled={loadingMore} onClick={onMore}>
            {t('documents.more')}
          </Button>
        </div>
      ) : null}
    </>
  )
}

function DocumentRow({ document }: { document: MemoryDocument }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const now = useNow(60_000)
  const { id, author, time, characters, chunks, privacy } = document
  const number = (value: number) => formatNumber(value, language)
  return (
    <div className="flex items-center gap-3 py-3 pr-2 pl-4 sm:pl-5">
      <div className="min-w-0 flex-1">
        <Link
          to="/memory/documents/$documentId"
          params={{ documentId: id }}
          className="rounded font-medium break-words decoration-line underline-offset-4 hover:underline"
        >
          {titleOf(document)}
        </Link>
        <p className="mt-0.5 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted tabular-nums">
          {author ? <span className="break-words">{author}</span> : null}
          <time dateTime={time} title={formatDateTime(time, language)}>
            {formatAgo(time, now, language)}
          </time>
          <span>{t('size.characters', { count: characters, number: number(characters) })}</span>
          <span>{t('size.chunks', { count: chunks, number: number(chunks) })}</span>
          <PrivacyBadge privacy={privacy} />
        </p>
      </div>
      <DeleteDocument document={document} />
    </div>
  )
}
