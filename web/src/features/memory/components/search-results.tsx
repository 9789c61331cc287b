import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { BrainCircuit, LibraryBig, SearchX } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState, InlineError, Notice } from '@/components/states/notices'
import { Button, buttonClass } from '@/components/ui/button'
import { Segmented } from '@/components/ui/segmented'
import { SkeletonList } from '@/components/ui/skeleton'
import { cn } from '@/lib/cn'
import { formatNumber } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { statsQuery } from '../api'
import { agreement, movements } from '../movement'
import { featureName } from '../names'
import type { Packed } from '../pack'
import { type Scale, scaleOf } from '../score-bar'
import { isDefault, type Settings } from '../settings'
import { FEATURES, type SearchAnswer } from '../wire'
import { HitList } from './hit-list'
import { FeatureMark } from './score-bar'
import type { Side } from './tune-panel'

export interface Ranking {
  settings: Settings
  answer: UseQueryResult<SearchAnswer>
}

interface Props {
  query: string
  isFiltered: boolean
  onClearFilters: () => void
  a: Ranking
  /** The other one, where two are compared. */
  b: Ranking | null
  packed: Map<number, Packed>
  explained: string | undefined
  onExplain: (chunk: string, open: boolean) => void
}

/** What was found, in one ranking or in two side by side. */
export function SearchResults({
  query,
  isFiltered,
  onClearFilters,
  a,
  b,
  packed,
  explained,
  onExplain,
}: Props) {
  const { t } = useTranslation('memory')
  const [seen, setSeen] = useState<Side>('b')
  const { data, error, refetch } = a.answer
  if (query === '') return <Beginning />
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <SkeletonList rows={4} height="h-28" />
  const items = { a: data.items, b: b?.answer.data?.items ?? [] }
  if (items.a.length === 0 && items.b.length === 0) {
    return (
      <>
        <AnswerNotes answer={data} />
        <Notice
          icon={<SearchX />}
          title={t('find.none')}
          action={isFiltered ? <Button onClick={onClearFilters}>{t('filter.clear')}</Button> : null}
        >
          {t(isFiltered ? 'find.noneFiltered' : 'find.noneHint')}
        </Notice>
      </>
    )
  }
  const chunks = { a: items.a.map(({ chunk }) => chunk), b: items.b.map(({ chunk }) => chunk) }
  const scale = scaleOf([...items.a, ...items.b].map(({ parts }) => parts))
  const shared = { scale, packed, explained, onExplain }
  return (
    <>
      <AnswerNotes answer={data} />
      <Legend features={items.a.concat(items.b).flatMap(({ parts }) => parts)} />
      {b === null ? (
        <Column ranking={a} {...shared} moves={null} />
      ) : (
        <>
          <div className="flex flex-wrap items-center justify-between gap-2">
            <Agreement chunks={chunks} />
            <div className="md:hidden">
              <Segmented<Side>
                label={t('compare.seen')}
                value={seen}
                onChange={setSeen}
                options={[
                  { value: 'a', label: 'A' },
                  { value: 'b', label: 'B' },
                ]}
              />
            </div>
          </div>
          <div className="grid items-start gap-4 md:grid-cols-2">
            <Column
              ranking={a}
              {...shared}
              name="A"
              isHidden={seen !== 'a'}
              moves={onlyAlone(movements(chunks.b, chunks.a))}
            />
            <Column
              ranking={b}
              {...shared}
              name="B"
              isHidden={seen !== 'b'}
              moves={movements(chunks.a, chunks.b)}
            />
          </div>
        </>
      )}
    </>
  )
}

/** Of A it is said what B has not; how far the others moved stands beside them in B. */
function onlyAlone(moves: ReturnType<typeof movements>): ReturnType<typeof movements> {
  return new Map([...moves].filter(([, { kind }]) => kind === 'alone'))
}

interface ColumnProps {
  ranking: Ranking
  scale: Scale
  packed: Map<number, Packed>
  moves: ReturnType<typeof movements> | null
  explained: string | undefined
  onExplain: (chunk: string, open: boolean) => void
  name?: string
  /** Where only one has room. */
  isHidden?: boolean
}

function Column({ ranking, name, isHidden = false, ...rest }: ColumnProps) {
  const { t } = useTranslation('memory')
  const { answer, settings } = ranking
  const { data, error, isPlaceholderData } = answer
  return (
    <section
      aria-label={name ? t('compare.column', { name }) : t('find.results')}
      aria-busy={isPlaceholderData}
      data-testid="ranking"
      className={cn('min-w-0', isHidden && 'max-md:hidden')}
    >
      <div className="mb-2 flex flex-wrap items-baseline gap-x-3 gap-y-1 text-xs text-muted">
        <h2 className={name ? 'text-[0.9375rem] font-semibold text-ink' : 'sr-only'}>
          {name ?? t('find.results')}
        </h2>
        {data ? <Facts answer={data} /> : null}
        {name ? <SettingsInWords settings={settings} /> : null}
      </div>
      {data?.rerank_problem ? (
        <p className="mb-3 rounded-lg bg-wait-soft px-4 py-2.5 text-[0.8125rem]" data-testid="not-reranked">
          {t('find.notReranked', { message: data.rerank_problem.message })}
        </p>
      ) : null}
      {error && data ? <InlineError error={error} className="mb-3" /> : null}
      {error && !data ? <ErrorState error={error} onRetry={() => void answer.refetch()} /> : null}
      {!data && !error ? <SkeletonList rows={4} height="h-28" /> : null}
      {data ? (
        <div className={cn('transition-opacity', isPlaceholderData && 'opacity-60')}>
          <HitList hits={data.items} {...rest} />
        </div>
      ) : null}
    </section>
  )
}

function Facts({ answer: { candidates, took_ms } }: { answer: SearchAnswer }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  return (
    <span className="tabular-nums" data-testid="facts">
      {t('find.facts', {
        count: candidates,
        candidates: formatNumber(candidates, language),
        ms: formatNumber(took_ms, language, took_ms < 10 ? 1 : 0),
      })}
    </span>
  )
}

function SettingsInWords({ settings }: { settings: Settings }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  if (isDefault(settings)) return <span>{t('compare.default')}</span>
  const changed = Object.entries(settings.weights).map(
    ([feature, weight]) => `${featureName(feature, t)} ${formatNumber(weight, language, 2)}`,
  )
  const around = settings.neighbours > 0 ? [t('tune.around', { count: settings.neighbours })] : []
  const graded =
    settings.rerank === null
      ? []
      : [settings.rerank ? t('tune.rerankBy', { model: settings.rerank }) : t('tune.rerankPreferred')]
  const said = [t('tune.hits', { count: settings.topK }), ...around, ...graded, ...changed]
  return <span>{said.join(', ')}</span>
}

function Agreement({ chunks: { a, b } }: { chunks: { a: number[]; b: number[] } }) {
  const { t } = useTranslation('memory')
  const { shared, same } = agreement(a, b)
  return (
    <p className="text-[0.8125rem] text-muted" data-testid="agreement">
      {t('compare.agreement', { count: shared, same })}
    </p>
  )
}

/** What is to be known about an answer as a whole. */
function AnswerNotes({ answer: { names, has_meaning } }: { answer: SearchAnswer }) {
  const { t } = useTranslation('memory')
  if (has_meaning && names.length === 0) return null
  return (
    <div className="flex flex-col gap-2 text-[0.8125rem]">
      {has_meaning ? null : (
        <p className="flex gap-2.5 rounded-lg bg-wait-soft px-4 py-2.5" data-testid="no-meaning">
          <BrainCircuit className="mt-0.5 size-4 shrink-0 text-wait" aria-hidden="true" />
          <span>
            {t('find.noMeaning')}{' '}
            <Link
              to="/memory/collections"
              className="rounded font-medium text-link underline underline-offset-2"
            >
              {t('find.toIndex')}
            </Link>
          </span>
        </p>
      )}
      {names.length > 0 ? (
        <p className="text-muted">{t('find.names', { count: names.length, names: names.join(', ') })}</p>
      ) : null}
    </div>
  )
}

/** Which colour is which part, for those parts that are in view. */
function Legend({ features }: { features: readonly { feature: string; share: number }[] }) {
  const { t } = useTranslation('memory')
  const shown = new Set(features.flatMap(({ feature, share }) => (share === 0 ? [] : [feature])))
  const unknown = [...shown].filter((feature) => !FEATURES.some((known) => known === feature))
  return (
    <ul aria-label={t('find.legend')} className="flex flex-wrap gap-x-3 gap-y-1 text-xs text-muted">
      {[...FEATURES.filter((feature) => shown.has(feature)), ...unknown].map((feature) => (
        <li key={feature} className="inline-flex items-center gap-1.5">
          <FeatureMark feature={feature} />
          {featureName(feature, t)}
        </li>
      ))}
    </ul>
  )
}

/** Before anything was asked. */
function Beginning(): ReactNode {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const { data } = useQuery(statsQuery)
  const isEmpty = data?.documents === 0
  return (
    <Notice
      icon={<LibraryBig />}
      title={t(isEmpty ? 'find.empty' : 'find.begin')}
      action={
        isEmpty ? (
          <Link to="/memory/import" className={buttonClass('primary')}>
            {t('find.import')}
          </Link>
        ) : null
      }
    >
      <p>
        {isEmpty || !data
          ? t(isEmpty ? 'find.emptyHint' : 'find.beginHint')
          : t('find.holds', {
              count: data.documents,
              documents: formatNumber(data.documents, language),
              chunks: formatNumber(data.chunks, language),
            })}
      </p>
      {isEmpty ? null : <p className="mt-2 max-sm:hidden">{t('find.keys')}</p>}
    </Notice>
  )
}
