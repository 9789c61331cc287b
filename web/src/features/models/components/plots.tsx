import { useTranslation } from 'react-i18next'
import { formatDuration } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { linesThrough, stack } from '../plot-scale'
import type { Series } from '../usage-series'
import type { Percentiles } from '../wire'
import { PlotFrame } from './plot-frame'

const COLOURS = 8

function colourOf(place: number): string {
  return `var(--plot-${(place % COLOURS) + 1})`
}

interface BarsProps {
  title: string
  summary: string
  columns: { short: string; long: string }[]
  series: Series[]
  format: (value: number) => string
  whole: boolean
}

/** Bars, one for each column, in which the series stand on each other. */
export function StackedBars({ title, summary, columns, series, format, whole }: BarsProps) {
  const stacks = columns.map((_, column) => stack(series.map((one) => one.values[column] ?? 0)))
  const max = Math.max(0, ...stacks.map((parts) => parts.at(-1)?.to ?? 0))
  return (
    <PlotFrame
      title={title}
      summary={summary}
      columns={columns}
      series={series.map((one) => ({ ...one, mark: <Square colour={colourOf(one.colour)} /> }))}
      max={max}
      format={format}
      whole={whole}
      total
    >
      {({ left, band, y }) =>
        stacks.map((parts, column) =>
          parts.map(({ from, to }, place) => {
            const one = series[place]
            if (!one || to === from) return null
            const gap = Math.min(band * 0.25, 6)
            // A hair of surface between the parts, so that they are told apart without their colours.
            const height = Math.max(1, y(from) - y(to) - (place > 0 ? 1 : 0))
            return (
              <rect
                key={`${columns[column]?.long} ${one.name}`}
                x={left(column) + gap / 2}
                y={y(to)}
                width={Math.max(1, band - gap)}
                height={height}
                rx={Math.min(2, band / 6)}
                style={{ fill: colourOf(one.colour) }}
              />
            )
          }),
        )
      }
    </PlotFrame>
  )
}

const LINES = [
  { key: 'p50', colour: 0, dashes: undefined },
  { key: 'p95', colour: 1, dashes: '6 3' },
  { key: 'p99', colour: 3, dashes: '2 3' },
] as const

interface LatencyProps {
  title: string
  summary: string
  columns: { short: string; long: string }[]
  values: (Percentiles | null)[]
}

/** How long answers took: half of them, 95 and 99 of 100 took at most so long. The lines differ by their dashes too. */
export function LatencyLines({ title, summary, columns, values }: LatencyProps) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const max = Math.max(0, ...values.map((value) => value?.p99 ?? 0))
  return (
    <PlotFrame
      title={title}
      summary={summary}
      columns={columns}
      series={LINES.map((line) => ({
        name: t(`percentile.${line.key}`),
        mark: <Dash colour={colourOf(line.colour)} dashes={line.dashes} />,
        values: values.map((value) => value?.[line.key] ?? null),
      }))}
      max={max}
      format={(ms) => formatDuration(ms, language)}
    >
      {({ left, band, y }) =>
        LINES.map((line) => {
          const points = values.map((value, column) =>
            value ? { x: left(column) + band / 2, y: y(value[line.key]) } : null,
          )
          const style = { stroke: colourOf(line.colour) }
          return (
            <g key={line.key} fill="none" strokeWidth={2} style={style} strokeDasharray={line.dashes}>
              {linesThrough(points).map((path) => (
                <path key={path} d={path} strokeLinejoin="round" />
              ))}
              {points.map((point, column) =>
                // A day between two without answers is part of no line.
                point && !points[column - 1] && !points[column + 1] ? (
                  <circle
                    key={columns[column]?.long}
                    cx={point.x}
                    cy={point.y}
                    r={2}
                    strokeDasharray="none"
                  />
                ) : null,
              )}
            </g>
          )
        })
      }
    </PlotFrame>
  )
}

function Square({ colour }: { colour: string }) {
  return <span aria-hidden="true" className="size-2.5 shrink-0 rounded-xs" style={{ background: colour }} />
}

function Dash({ colour, dashes }: { colour: string; dashes: string | undefined }) {
  return (
    <svg width="18" height="4" aria-hidden="true" className="shrink-0">
      <line
        x1="0"
        x2="18"
        y1="2"
        y2="2"
        strokeWidth="2"
        strokeDasharray={dashes}
        style={{ stroke: colour }}
      />
    </svg>
  )
}
