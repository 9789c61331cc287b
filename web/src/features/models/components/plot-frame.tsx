import {
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from 'react'
import { useTranslation } from 'react-i18next'
import { Card } from '@/components/ui/card'
import { Disclosure } from '@/components/ui/disclosure'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { columnAt, labelledColumns, niceTicks } from '../plot-scale'
import '@/styles/plot.css'

/** One line of the small print beside a column, and one column of the table. */
export interface PlotSeries {
  name: string
  mark: ReactNode
  values: (number | null)[]
}

/** Where things stand in the drawing. */
export interface PlotScale {
  width: number
  height: number
  /** The left edge of a column and how wide it is. */
  left: (column: number) => number
  band: number
  y: (value: number) => number
}

interface Props {
  title: string
  /** What is to be seen, in a sentence. */
  summary: string
  /** The names of the columns: short below the axis, long where one is looked at. */
  columns: { short: string; long: string }[]
  series: PlotSeries[]
  max: number
  format: (value: number) => string
  /** Whether what is shown is counted. */
  whole?: boolean
  /** Says what all series of a column make together. */
  total?: boolean
  children: (scale: PlotScale) => ReactNode
}

const HEIGHT = 168
/** About how wide a digit is. */
const WIDE = 6.2
const BELOW = 22
const ROOM = 64

/**
 * A plot: axes, legend, the column under the pointer or chosen with the arrow keys in words, and all of it as a table.
 * What is drawn between the axes is the caller's.
 */
export function PlotFrame(props: Props) {
  const { title, summary, columns, series, max, format, whole = false, total = false, children } = props
  const { t } = useTranslation('models')
  const id = useId()
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box)
  const [column, setColumn] = useState<number | null>(null)
  const ticks = niceTicks(max, whole)
  const axis = 16 + WIDE * Math.max(...ticks.map((tick) => format(tick).length))
  const inner = Math.max(0, width - axis)
  const top = ticks.at(-1) ?? 1
  const band = columns.length > 0 ? inner / columns.length : 0
  const scale: PlotScale = {
    width: inner,
    height: HEIGHT,
    band,
    left: (at) => at * band,
    y: (value) => HEIGHT - (value / top) * (HEIGHT - 8),
  }

  function point(event: PointerEvent) {
    const left = box.current?.getBoundingClientRect().left ?? 0
    setColumn(columnAt(event.clientX - left - axis, inner, columns.length))
  }

  function keys(event: KeyboardEvent) {
    const last = columns.length - 1
    const to = { ArrowLeft: (column ?? last + 1) - 1, ArrowRight: (column ?? -1) + 1, Home: 0, End: last }[
      event.key
    ]
    if (event.key === 'Escape') setColumn(null)
    if (to === undefined || last < 0) return
    event.preventDefault()
    setColumn(Math.max(0, Math.min(last, to)))
  }

  return (
    <Card className="min-w-0 p-4 sm:p-5">
      <div className="mb-4 flex flex-wrap items-baseline justify-between gap-x-4 gap-y-2">
        <h3 id={id} className="text-[0.8125rem] font-semibold">
          {title}
        </h3>
        <ul className="flex flex-wrap gap-x-3 gap-y-1 text-xs text-muted">
          {series.map((one) => (
            <li key={one.name} className="inline-flex items-center gap-1.5">
              {one.mark}
              {one.name}
            </li>
          ))}
        </ul>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls */}
      <div
        ref={box}
        role="group"
        aria-labelledby={id}
        aria-describedby={`${id}-summary`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: its columns are read with the arrow keys
        tabIndex={0}
        onPointerMove={point}
        onPointerLeave={() => setColumn(null)}
        onKeyDown={keys}
        onBlur={() => setColumn(null)}
        className="relative rounded-md outline-offset-4"
        style={{ height: HEIGHT + BELOW }}
      >
        <p id={`${id}-summary`} className="sr-only">
          {summary} {t('plot.keys')}
        </p>
        {width > 0 ? (
          <svg width={width} height={HEIGHT + BELOW} aria-hidden="true" className="block text-[0.6875rem]">
            {ticks.map((tick) => (
              <g key={tick} transform={`translate(0 ${scale.y(tick)})`}>
                <line x1={axis} x2={width} className={tick === 0 ? 'stroke-slate' : 'stroke-line-soft'} />
                <text x={axis - 8} dy="0.32em" textAnchor="end" className="fill-muted tabular-nums">
                  {format(tick)}
                </text>
              </g>
            ))}
            <g transform={`translate(${axis} 0)`}>
              {column === null ? null : (
                <rect
                  x={scale.left(column)}
                  width={band}
                  height={HEIGHT}
                  className="fill-sunken opacity-70"
                />
              )}
              {children(scale)}
              {labelledColumns(columns.length, inner, ROOM).map((at) => (
                <text
                  key={at}
                  {...labelPlace(scale.left(at) + band / 2, inner)}
                  y={HEIGHT + 16}
                  className="fill-muted"
                >
                  {columns[at]?.short}
                </text>
              ))}
            </g>
          </svg>
        ) : null}
        <div aria-live="polite">
          {column === null ? null : (
            <Reading
              title={columns[column]?.long ?? ''}
              series={series}
              column={column}
              format={format}
              total={total}
              left={axis + scale.left(column) + band / 2}
              width={width}
            />
          )}
        </div>
      </div>
      <Disclosure title={t('plot.table')} className="mt-3">
        <PlotTable titleId={id} columns={columns} series={series} format={format} />
      </Disclosure>
    </Card>
  )
}

/** Below the middle of its column, but not over the edge. */
function labelPlace(middle: number, length: number): { x: number; textAnchor: 'middle' | 'end' } {
  return middle + ROOM / 2 > length ? { x: length, textAnchor: 'end' } : { x: middle, textAnchor: 'middle' }
}

interface ReadingProps {
  title: string
  series: PlotSeries[]
  column: number
  format: (value: number) => string
  total: boolean
  left: number
  width: number
}

/** What stands in one column, beside it. */
function Reading({ title, series, column, format, total, left, width }: ReadingProps) {
  const { t } = useTranslation('models')
  const shown = series.filter((one) => one.values[column])
  const sum = shown.reduce((all, one) => all + (one.values[column] ?? 0), 0)
  const before = left > width / 2
  return (
    <div
      className="popup pointer-events-none absolute top-1 z-10 min-w-36 !rounded-lg px-3 py-2 text-xs"
      style={before ? { right: width - left + 12 } : { left: left + 12 }}
    >
      <p className="mb-1 font-medium">{title}</p>
      {shown.length === 0 ? <p className="text-muted">{t('plot.nothing')}</p> : null}
      {shown.map((one) => (
        <p key={one.name} className="flex items-center gap-1.5 text-muted">
          {one.mark}
          <span className="min-w-0 flex-1 truncate">{one.name}</span>
          <span className="pl-3 text-ink tabular-nums">{format(one.values[column] ?? 0)}</span>
        </p>
      ))}
      {total && shown.length > 1 ? (
        <p className="mt-1 flex border-t border-line-soft pt-1">
          <span className="flex-1">{t('plot.total')}</span>
          <span className="font-medium tabular-nums">{format(sum)}</span>
        </p>
      ) : null}
    </div>
  )
}

interface TableProps {
  titleId: string
  columns: Props['columns']
  series: PlotSeries[]
  format: (value: number) => string
}

/** The same figures as a table, without the times at which there are none. */
function PlotTable({ titleId, columns, series, format }: TableProps) {
  const { t } = useTranslation('models')
  const rows = columns
    .map(({ long }, at) => ({ long, cells: series.map((one) => one.values[at] ?? null) }))
    .filter((row) => row.cells.some((cell) => cell))
  return (
    <ScrollRegion labelledBy={titleId} className="max-h-72">
      <table className="w-full border-collapse text-xs tabular-nums">
        <thead className="sticky top-0 bg-surface">
          <tr>
            <th scope="col" className="border-b border-line py-2 pr-4 text-left font-semibold">
              {t('plot.time')}
            </th>
            {series.map((one) => (
              <th
                key={one.name}
                scope="col"
                className="border-b border-line px-3 py-2 text-right font-semibold"
              >
                {one.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.long}>
              <th
                scope="row"
                className="border-b border-line-soft py-1.5 pr-4 text-left font-normal whitespace-nowrap"
              >
                {row.long}
              </th>
              {row.cells.map((cell, at) => (
                <td key={series[at]?.name} className="border-b border-line-soft px-3 py-1.5 text-right">
                  {cell === null ? '–' : format(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  )
}

/** How wide an element is, kept current. */
function useWidth(element: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const found = element.current
    if (!found) return
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)))
    observer.observe(found)
    return () => observer.disconnect()
  }, [element])
  return width
}
