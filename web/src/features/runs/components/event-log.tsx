import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDownToLine, Search } from 'lucide-react'
import { useEffect, useId, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Input } from '@/components/ui/field'
import { Segmented } from '@/components/ui/segmented'
import { Switch } from '@/components/ui/switch'
import { cn } from '@/lib/cn'
import type { StreamState } from '@/lib/event-stream'
import { formatClock } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import type { RunEvent } from '../api'
import { describeEvent, type EventGroup, groupOf, type Titles } from '../describe-event'

type Filter = 'all' | Exclude<EventGroup, 'run'>

interface Row {
  event: RunEvent
  text: string
}

interface Props {
  events: readonly RunEvent[]
  stream: StreamState
  /** What the steps are called. */
  titles: Titles
}

/** Everything a run says, as it says it. Follows the end until someone scrolls up. */
export default function EventLog({ events, stream, titles }: Props) {
  const { t } = useTranslation()
  const [filter, setFilter] = useState<Filter>('all')
  const [search, setSearch] = useState('')
  const [follow, setFollow] = useState(true)
  const followId = useId()
  const rows = useMemo<Row[]>(() => {
    const wanted = search.trim().toLocaleLowerCase()
    return events
      .filter((event) => filter === 'all' || groupOf(event.kind) === filter)
      .map((event) => ({ event, text: describeEvent(event, t, titles) }))
      .filter((row) => wanted === '' || `${row.event.kind} ${row.text}`.toLocaleLowerCase().includes(wanted))
  }, [events, filter, search, titles, t])

  return (
    <div>
      <div className="mb-3 flex flex-wrap items-center gap-x-4 gap-y-3">
        <Segmented<Filter>
          label={t('log.filter')}
          value={filter}
          onChange={setFilter}
          options={(['all', 'steps', 'output', 'decisions'] as const).map((value) => ({
            value,
            label: t(`log.${value}`),
          }))}
        />
        <div className="relative min-w-44 flex-1">
          <Search
            className="pointer-events-none absolute top-2.5 left-3 size-4 text-muted"
            aria-hidden="true"
          />
          <Input
            type="search"
            aria-label={t('log.search')}
            placeholder={t('log.search')}
            value={search}
            onChange={(event) => setSearch(event.target.value)}
            className="!h-9 pl-9"
          />
        </div>
        <label htmlFor={followId} className="flex items-center gap-2 text-[0.8125rem]">
          <Switch id={followId} checked={follow} onChange={setFollow} />
          {t('log.follow')}
        </label>
      </div>
      <Rows
        rows={rows}
        follow={follow}
        onFollow={setFollow}
        empty={t(events.length === 0 ? 'log.empty' : 'log.noMatch')}
      />
      <p className="mt-2 flex justify-between gap-4 text-xs text-muted" data-testid="log-state">
        <span>{t(`log.stream.${stream}`)}</span>
        <span className="tabular-nums">{t('log.count', { count: rows.length })}</span>
      </p>
    </div>
  )
}

interface RowsProps {
  rows: Row[]
  follow: boolean
  onFollow: (follow: boolean) => void
  empty: string
}

function Rows({ rows, follow, onFollow, empty }: RowsProps) {
  const { t } = useTranslation()
  const language = useLanguage()
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => 26,
    overscan: 20,
    getItemKey: (index) => rows[index]?.event.seq ?? index,
  })
  const total = virtual.getTotalSize()

  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever there is more to see, go to its end
  useEffect(() => {
    const element = box.current
    if (follow && element) element.scrollTop = element.scrollHeight
  }, [follow, total, rows.length])

  function scrolledBy(deltaY: number) {
    if (deltaY < 0 && follow) onFollow(false)
  }

  function scrolled() {
    const element = box.current
    if (!element || follow) return
    if (element.scrollHeight - element.scrollTop - element.clientHeight < 4) onFollow(true)
  }

  return (
    <div className="relative">
      <div
        ref={box}
        role="log"
        aria-live="off"
        aria-label={t('run.log')}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={scrolled}
        onWheel={(event) => scrolledBy(event.deltaY)}
        onKeyDown={(event) => {
          if (['ArrowUp', 'PageUp', 'Home'].includes(event.key)) scrolledBy(-1)
        }}
        onTouchMove={() => follow && onFollow(false)}
        className="h-[min(65vh,44rem)] overflow-auto rounded-xl border border-line-soft bg-surface py-2 font-mono text-[0.78125rem] leading-relaxed"
      >
        {rows.length === 0 ? <p className="p-6 text-center font-sans text-sm text-muted">{empty}</p> : null}
        <div className="relative w-full" style={{ height: total }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index]
            if (!row) return null
            return (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                data-seq={row.event.seq}
                className="absolute inset-x-0 top-0 flex gap-4 px-4 py-0.5 hover:bg-raised"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <span className="w-9 shrink-0 text-right text-muted tabular-nums select-none max-sm:hidden">
                  {row.event.seq}
                </span>
                <time className="shrink-0 text-muted tabular-nums">
                  {formatClock(row.event.ts, language)}
                </time>
                <span className={cn('min-w-0 break-words whitespace-pre-wrap', toneOf(row.event.kind))}>
                  {row.text}
                </span>
              </div>
            )
          })}
        </div>
      </div>
      {follow ? null : (
        <button
          type="button"
          onClick={() => onFollow(true)}
          className="absolute right-4 bottom-4 inline-flex animate-rise items-center gap-2 rounded-full border border-line bg-glass px-3.5 py-1.5 text-[0.8125rem] font-medium shadow-float backdrop-blur-xl"
        >
          <ArrowDownToLine className="size-4" aria-hidden="true" /> {t('log.toEnd')}
        </button>
      )}
    </div>
  )
}

function toneOf(kind: string): string {
  if (kind === 'failed' || kind === 'step_failed') return 'text-bad'
  if (kind === 'completed' || kind === 'step_completed') return 'text-good'
  if (kind.startsWith('gate')) return 'text-wait'
  return ''
}
