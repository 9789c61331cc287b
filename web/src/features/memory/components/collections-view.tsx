import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { LibraryBig, Lock, Plus, Settings2 } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState, Notice } from '@/components/states/notices'
import { Section } from '@/components/states/page'
import { Button, buttonClass } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { Segmented } from '@/components/ui/segmented'
import { SkeletonList } from '@/components/ui/skeleton'
import { formatAgo, formatDateTime, formatNumber } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useNow } from '@/lib/use-now'
import { collectionsQuery } from '../api'
import { barLength, bySize, freshness, MEASURES, type Measure } from '../freshness'
import type { Collection } from '../wire'
import { CollectionDialog } from './collection-dialog'
import { IndexCard } from './index-card'

/** What memory holds, collection by collection, and how far its indices are. */
export function CollectionsView() {
  const { t } = useTranslation('memory')
  const [measure, setMeasure] = useState<Measure>('documents')
  const [edited, setEdited] = useState<Collection | 'new' | null>(null)
  const collections = useQuery(collectionsQuery)
  const { data, error, isPending } = collections
  const isEmpty = data?.every(({ documents }) => documents === 0) ?? false
  return (
    <>
      <IndexCard />
      <Section
        title={t('collections.title')}
        aside={
          <div className="flex flex-wrap items-center gap-2">
            {data && !isEmpty ? (
              <Segmented<Measure>
                label={t('collections.measure')}
                value={measure}
                onChange={setMeasure}
                options={MEASURES.map((value) => ({ value, label: t(`collections.by.${value}`) }))}
              />
            ) : null}
            <Button variant="ghost" onClick={() => setEdited('new')}>
              <Plus />
              {t('collection.new')}
            </Button>
          </div>
        }
      >
        {isPending ? <SkeletonList rows={4} /> : null}
        {error && !data ? <ErrorState error={error} onRetry={() => void collections.refetch()} /> : null}
        {isEmpty ? (
          <Notice
            icon={<LibraryBig />}
            title={t('collections.none')}
            action={
              <Link to="/memory/import" className={buttonClass('primary')}>
                {t('find.import')}
              </Link>
            }
          >
            {t('find.emptyHint')}
          </Notice>
        ) : null}
        {data && data.length > 0 ? (
          <Card>
            <ul className="divide-y divide-line-soft">
              {bySize(data, measure).map((collection) => (
                <CollectionRow
                  key={collection.name}
                  collection={collection}
                  measure={measure}
                  most={Math.max(...data.map((one) => one[measure]))}
                  onEdit={() => setEdited(collection)}
                />
              ))}
            </ul>
          </Card>
        ) : null}
      </Section>
      <CollectionDialog edited={edited} onClose={() => setEdited(null)} />
    </>
  )
}

interface RowProps {
  collection: Collection
  measure: Measure
  most: number
  onEdit: () => void
}

function CollectionRow({ collection, measure, most, onEdit }: RowProps) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const now = useNow(60_000)
  const { name, newest, local_documents } = collection
  const number = (value: number) => formatNumber(value, language)
  return (
    <li
      aria-label={name}
      className="grid gap-x-6 gap-y-2 px-4 py-3.5 sm:grid-cols-[minmax(8rem,1fr)_minmax(0,2fr)_minmax(0,1fr)_auto] sm:items-center sm:px-5"
    >
      <div className="min-w-0">
        <Link
          to="/memory/collections/$name"
          params={{ name }}
          className="rounded font-medium break-all decoration-line underline-offset-4 hover:underline"
        >
          {name}
        </Link>
        {local_documents > 0 ? (
          <p className="mt-0.5 flex items-center gap-1.5 text-xs text-muted">
            <Lock className="size-3 shrink-0" aria-hidden="true" />
            {t('collections.local', { count: local_documents, documents: number(local_documents) })}
          </p>
        ) : null}
      </div>
      <Bar length={barLength(collection[measure], most)} colour="bg-live">
        {t(`size.${measure}`, { count: collection[measure], number: number(collection[measure]) })}
      </Bar>
      {newest === null ? (
        <p className="text-xs text-muted">{t('collections.empty')}</p>
      ) : (
        <Bar length={freshness(newest, now)} colour="bg-good">
          <time dateTime={newest} title={formatDateTime(newest, language)}>
            {t('collections.newest', { ago: formatAgo(newest, now, language) })}
          </time>
        </Bar>
      )}
      <Button
        variant="ghost"
        size="icon"
        aria-label={t('collection.edit', { name })}
        title={t('collection.edit', { name })}
        onClick={onEdit}
      >
        <Settings2 />
      </Button>
      <SetUp collection={collection} />
    </li>
  )
}

/** In a line how a collection is set up, and what is still being seen to. */
function SetUp({ collection }: { collection: Collection }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const { privacy, embedding, chunking, chunks } = collection
  const number = (value: number) => formatNumber(value, language)
  const model = embedding
    ? t('collections.model', { model: embedding.model, dimensions: number(embedding.dimensions) })
    : t('collections.wordsOnly')
  const parts = [
    t(`privacy.${privacy}`),
    t('collections.length', { characters: number(chunking.max_characters), version: chunking.version }),
    model,
  ]
  if (chunking.waiting > 0) parts.push(t('collections.waiting', { documents: number(chunking.waiting) }))
  if (embedding && embedding.vectors < chunks) {
    parts.push(t('collections.vectors', { done: number(embedding.vectors), total: number(chunks) }))
  }
  return <p className="text-xs break-words text-muted tabular-nums sm:col-span-full">{parts.join(' · ')}</p>
}

interface BarProps {
  length: number
  colour: string
  /** The same in words. */
  children: ReactNode
}

function Bar({ length, colour, children }: BarProps) {
  return (
    <div className="min-w-0">
      <div className="h-2 overflow-hidden rounded-full bg-sunken" aria-hidden="true">
        <div
          className={`h-full rounded-full transition-[width] ${colour}`}
          style={{ width: `${length * 100}%` }}
        />
      </div>
      <p className="mt-1 text-xs text-muted tabular-nums">{children}</p>
    </div>
  )
}
