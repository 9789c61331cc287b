import { useQuery } from '@tanstack/react-query'
import { Columns2, Package, SlidersHorizontal } from 'lucide-react'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/button'
import type { Option } from '@/components/ui/select'
import { announce } from '@/lib/announce'
import { cn } from '@/lib/cn'
import { packQuery, searchQuery } from '../api'
import { readFilters, writeFilters } from '../filters'
import { DEFAULT_BUDGET, packedChunks, readBudget } from '../pack'
import { isDefault, readSettings, type Settings, writeSettings } from '../settings'
import { useSearchKeys } from '../use-search-keys'
import type { SearchViewState } from '../views'
import { FilterBar } from './filter-bar'
import { PackPanel } from './pack-panel'
import { SearchBox } from './search-box'
import { SearchResults } from './search-results'
import { type Side, TunePanel } from './tune-panel'

interface Props {
  view: SearchViewState
  /** Changes a part of what stands in the address. */
  onView: (change: SearchViewState) => void
  /** Which models can be asked to grade hits. */
  models: readonly Option<string>[]
}

/** Searches memory, and shows why each hit is one. */
export function SearchView({ view, onView, models }: Props) {
  const { t } = useTranslation('memory')
  const box = useRef<HTMLInputElement>(null)
  const results = useRef<HTMLDivElement>(null)
  const query = view.q ?? ''
  const filters = useMemo(() => readFilters(view.f), [view.f])
  const a = useMemo(() => readSettings(view.a), [view.a])
  const b = useMemo(() => (view.b === undefined ? null : readSettings(view.b)), [view.b])
  const budget = readBudget(view.pack)
  // From the beginning only where it stands beside the hits.
  const [isTuning, setTuning] = useState(() => (!isDefault(a) || b !== null) && hasRoom(b !== null))
  const [side, setSide] = useState<Side>('a')
  const answerA = useQuery(searchQuery(query, filters, a))
  const answerB = useQuery({
    ...searchQuery(query, filters, b ?? a),
    // Without a second setting both are the same question, asked once.
    enabled: query !== '' && b !== null,
  })
  const pack = useQuery({
    ...packQuery(query, filters, budget ?? DEFAULT_BUDGET),
    enabled: query !== '' && budget !== null,
  })
  const explain = (chunk: string, open: boolean) => onView({ hit: open ? chunk : undefined })
  useSearchKeys(box, results, explain)

  const { data, isPlaceholderData } = answerA
  useEffect(() => {
    if (data && !isPlaceholderData) announce(t('find.found', { count: data.items.length }))
  }, [data, isPlaceholderData, t])

  const changeSettings = (which: Side) => (next: Settings) =>
    onView({ [which]: which === 'a' && isDefault(next) ? undefined : writeSettings(next) })
  const edited = b === null ? 'a' : side
  return (
    <>
      <search>
        <SearchBox
          box={box}
          query={query}
          isBusy={answerA.isFetching || answerB.isFetching}
          isCostly={a.rerank !== null || (b !== null && b.rerank !== null)}
          onQuery={(q) => onView({ q: q || undefined, hit: undefined })}
        />
        <div className="mt-3 flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
          <div className="min-w-0 flex-1 basis-64">
            <FilterBar filters={filters} onChange={(next) => onView({ f: writeFilters(next) })} />
          </div>
          <div className="flex flex-wrap gap-1">
            <Toggle
              pressed={isTuning}
              label={t('find.tune')}
              icon={<SlidersHorizontal />}
              onPress={() => setTuning(!isTuning)}
            />
            <Toggle
              pressed={b !== null}
              label={t('find.compare')}
              icon={<Columns2 />}
              onPress={() => {
                onView({ b: b === null ? writeSettings(a) : undefined })
                setSide('b')
                if (b === null && hasRoom(true)) setTuning(true)
              }}
            />
            <Toggle
              pressed={budget !== null}
              label={t('find.pack')}
              icon={<Package />}
              onPress={() => onView({ pack: budget === null ? String(DEFAULT_BUDGET) : undefined })}
            />
          </div>
        </div>
      </search>
      <div
        className={cn(
          'mt-5 grid items-start gap-5',
          isTuning &&
            (b === null ? 'xl:grid-cols-[minmax(0,1fr)_19rem]' : '2xl:grid-cols-[minmax(0,1fr)_19rem]'),
        )}
      >
        {isTuning ? (
          <aside
            aria-label={t('find.tune')}
            className={cn(
              'min-w-0',
              b === null
                ? 'xl:sticky xl:top-6 xl:order-last xl:max-h-[calc(100dvh-3rem)] xl:overflow-y-auto'
                : '2xl:sticky 2xl:top-6 2xl:order-last 2xl:max-h-[calc(100dvh-3rem)] 2xl:overflow-y-auto',
            )}
          >
            <TunePanel
              side={b === null ? null : side}
              onSide={setSide}
              settings={edited === 'b' && b ? b : a}
              onChange={changeSettings(edited)}
              models={models}
            />
          </aside>
        ) : null}
        <div ref={results} className="flex min-w-0 flex-col gap-5">
          {budget !== null && query !== '' ? (
            <PackPanel pack={pack} budget={budget} onBudget={(next) => onView({ pack: String(next) })} />
          ) : null}
          <SearchResults
            query={query}
            isFiltered={filters.length > 0}
            onClearFilters={() => onView({ f: undefined })}
            a={{ settings: a, answer: answerA }}
            b={b ? { settings: b, answer: answerB } : null}
            packed={budget === null ? new Map() : packedChunks(pack.data)}
            explained={view.hit}
            onExplain={explain}
          />
        </div>
      </div>
    </>
  )
}

/** Whether the weights stand beside the hits, where two rankings need the room themselves, rather than above them. */
function hasRoom(isComparing: boolean): boolean {
  return matchMedia(isComparing ? '(min-width: 96rem)' : '(min-width: 80rem)').matches
}

interface ToggleProps {
  pressed: boolean
  label: string
  icon: ReactNode
  onPress: () => void
}

function Toggle({ pressed, label, icon, onPress }: ToggleProps) {
  return (
    <Button
      variant={pressed ? 'secondary' : 'ghost'}
      size="sm"
      aria-pressed={pressed}
      onClick={onPress}
      className={pressed ? undefined : 'border border-transparent text-muted'}
    >
      {icon} {label}
    </Button>
  )
}
