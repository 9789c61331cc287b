import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDownToLine, Eraser, Search } from 'lucide-react'
import { useEffect, useId, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/button'
import { CopyButton } from '@/components/ui/copy-button'
import { Input } from '@/components/ui/field'
import { Segmented } from '@/components/ui/segmented'
import { Select } from '@/components/ui/select'
import { Switch } from '@/components/ui/switch'
import { cn } from '@/lib/cn'
import { formatClock } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { filterRows, type LogFilter, type LogRow } from '../log-book'
import { useLogs } from '../use-logs'

const SOURCES = ['all', 'install', 'dev', 'command', 'atelier'] as const

/** What the session's programs say, as they say it. */
export default function LogsPanel({ id }: { id: string }) {
  const { t } = useTranslation('studio')
  const own = useId()
  const { rows, state, clear } = useLogs(id)
  const [filter, setFilter] = useState<LogFilter>({ search: '', stream: 'all', source: 'all' })
  const [follow, setFollow] = useState(true)
  const shown = useMemo(() => filterRows(rows, filter), [rows, filter])
  const text = () => shown.map((row) => ('frame' in row ? row.frame.line : '…')).join('\n')
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex shrink-0 flex-wrap items-center gap-2 border-b border-line-soft px-2 py-1.5">
        <div className="relative min-w-32 flex-1">
          <Search
            className="pointer-events-none absolute top-2 left-2.5 size-4 text-muted"
            aria-hidden="true"
          />
          <Input
            type="search"
            aria-label={t('logs.search')}
            placeholder={t('logs.search')}
            value={filter.search}
            onChange={(event) => setFilter({ ...filter, search: event.target.value })}
            className="!h-8 pl-8 text-[0.8125rem]"
          />
        </div>
        <Segmented<LogFilter['stream']>
          label={t('logs.stream')}
          value={filter.stream}
          onChange={(stream) => setFilter({ ...filter, stream })}
          options={[
            { value: 'all', label: t('logs.both') },
            { value: 'stdout', label: t('logs.stdout') },
            { value: 'stderr', label: t('logs.stderr') },
          ]}
        />
        <Select<LogFilter['source']>
          label={t('logs.source')}
          value={filter.source}
          options={SOURCES.map((value) => ({ value, label: t(`logs.from.${value}`) }))}
          onChange={(source) => setFilter({ ...filter, source })}
          className="!h-8 text-[0.8125rem]"
        />
        <label htmlFor={`${own}-follow`} className="flex items-center gap-2 px-1 text-[0.8125rem]">
          <Switch id={`${own}-follow`} checked={follow} onChange={setFollow} />
          {t('logs.follow')}
        </label>
        <Button
          variant="ghost"
          size="icon"
          className="!size-8"
          aria-label={t('logs.clear')}
          title={t('logs.clear')}
          onClick={clear}
        >
          <Eraser />
        </Button>
        <CopyButton text={text} />
      </div>
      <Lines
        rows={shown}
        follow={follow}
        onFollow={setFollow}
        empty={t(rows.length === 0 ? 'logs.empty' : 'logs.noMatch')}
      />
      <p
        className="flex shrink-0 justify-between gap-4 border-t border-line-soft px-3 py-1 text-xs text-muted"
        data-testid="logs-state"
      >
        <span role="status">{t(`logs.state.${state}`)}</span>
        <span className="tabular-nums">{t('logs.count', { count: shown.length })}</span>
      </p>
    </div>
  )
}

interface LinesProps {
  rows: readonly LogRow[]
  follow: boolean
  onFollow: (follow: boolean) => void
  empty: string
}

function Lines({ rows, follow, onFollow, empty }: LinesProps) {
  const { t } = useTranslation('studio')
  const language = useLanguage()
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => 20,
    overscan: 30,
    getItemKey: (index) => rows[index]?.key ?? index,
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
    if (!element || follow || element.clientHeight === 0) return
    if (element.scrollHeight - element.scrollTop - element.clientHeight < 4) onFollow(true)
  }

  return (
    <div className="relative min-h-0 flex-1 bg-surface">
      <div
        ref={box}
        role="log"
        aria-live="off"
        aria-label={t('panel.logs')}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={scrolled}
        onWheel={(event) => scrolledBy(event.deltaY)}
        onKeyDown={(event) => {
          if (['ArrowUp', 'PageUp', 'Home'].includes(event.key)) scrolledBy(-1)
        }}
        onTouchMove={() => follow && onFollow(false)}
        className="h-full overflow-auto py-2 font-mono text-xs leading-5 -outline-offset-2"
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
                className="absolute inset-x-0 top-0 flex gap-3 px-3 hover:bg-raised"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                {'frame' in row ? (
                  <>
                    <time className="shrink-0 text-muted tabular-nums select-none">
                      {formatClock(row.frame.ts, language)}
                    </time>
                    <span className="w-14 shrink-0 truncate text-muted select-none max-sm:hidden">
                      {t(`logs.from.${row.frame.source}`)}
                    </span>
                    <span
                      className={cn(
                        'min-w-0 break-words whitespace-pre-wrap',
                        row.frame.stream === 'stderr' && 'text-bad',
                        row.frame.source === 'atelier' && 'text-live',
                      )}
                    >
                      {row.frame.line || ' '}
                    </span>
                  </>
                ) : (
                  <span className="text-muted italic">{t('logs.missing', { count: row.missing })}</span>
                )}
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
          <ArrowDownToLine className="size-4" aria-hidden="true" /> {t('logs.toEnd')}
        </button>
      )}
    </div>
  )
}
