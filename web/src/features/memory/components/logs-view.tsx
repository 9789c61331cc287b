import { useInfiniteQuery } from '@tanstack/react-query'
import { NotebookPen, Search, SearchX } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { ErrorState, Notice } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { Input } from '@/components/ui/field'
import { Segmented } from '@/components/ui/segmented'
import { SkeletonList } from '@/components/ui/skeleton'
import { cn } from '@/lib/cn'
import { logPagesQuery } from '../api'
import { useSettled } from '../use-settled'
import { LOG_KINDS, type LogKind, type LogViewState } from '../views'
import { LogRow } from './log-row'

interface Props {
  view: LogViewState
  onView: (view: LogViewState) => void
}

/** What was decided and what failed: the newest first, or what answers a question, the best first. */
export function LogsView({ view, onView }: Props) {
  const { t } = useTranslation('memory')
  const { kind = 'decisions', q = '' } = view
  const pages = useInfiniteQuery(logPagesQuery(kind, q))
  const entries = pages.data?.pages.flatMap((page) => page.items) ?? []
  const titles = new Map(entries.map(({ id, title }) => [id, title]))
  return (
    <>
      <search className="mb-5 flex flex-wrap items-center gap-3">
        <Segmented<LogKind>
          label={t('logbook.kind')}
          value={kind}
          onChange={(next) => onView({ ...view, kind: next === 'decisions' ? undefined : next })}
          options={LOG_KINDS.map((value) => ({ value, label: t(`logbook.kinds.${value}`) }))}
        />
        <LogSearch query={q} onQuery={(next) => onView({ ...view, q: next || undefined })} />
      </search>
      {pages.isPending ? <SkeletonList rows={5} /> : null}
      {pages.error && entries.length === 0 ? (
        <ErrorState error={pages.error} onRetry={() => void pages.refetch()} />
      ) : null}
      {pages.data && entries.length === 0 ? (
        <Notice
          icon={q ? <SearchX /> : <NotebookPen />}
          title={q ? t('find.none') : t(`logbook.none.${kind}`)}
          action={
            q ? <Button onClick={() => onView({ ...view, q: undefined })}>{t('logbook.all')}</Button> : null
          }
        >
          {q ? null : t(`logbook.noneHint.${kind}`)}
        </Notice>
      ) : null}
      {entries.length > 0 ? (
        <Card className={cn('transition-opacity', pages.isPlaceholderData && 'opacity-60')}>
          <ul
            aria-label={t(`logbook.kinds.${kind}`)}
            aria-busy={pages.isPlaceholderData}
            className="divide-y divide-line-soft"
          >
            {entries.map((entry) => (
              <LogRow key={entry.id} entry={entry} titles={titles} />
            ))}
          </ul>
        </Card>
      ) : null}
      {pages.hasNextPage ? (
        <div className="mt-4 text-center">
          <Button
            variant="ghost"
            disabled={pages.isFetchingNextPage}
            onClick={() => void pages.fetchNextPage()}
          >
            {t('documents.more')}
          </Button>
        </div>
      ) : null}
    </>
  )
}

function LogSearch({ query, onQuery }: { query: string; onQuery: (query: string) => void }) {
  const { t } = useTranslation('memory')
  const [text, setText, settle] = useSettled(query, onQuery, 250, trimmed)
  return (
    <form
      className="relative min-w-56 flex-1"
      onSubmit={(event) => {
        event.preventDefault()
        settle()
      }}
    >
      <Search className="pointer-events-none absolute top-3 left-3 size-4 text-muted" aria-hidden="true" />
      <Input
        type="search"
        aria-label={t('logbook.search')}
        placeholder={t('logbook.search')}
        value={text}
        maxLength={1_000}
        onChange={(event) => setText(event.target.value)}
        className="pl-9"
      />
    </form>
  )
}

function trimmed(text: string): string {
  return text.trim()
}
