import type { Range } from './views'
import type { Percentiles, SeriesPoint, Usage } from './wire'

const HOUR = 3_600_000
const DAY = 24 * HOUR

export interface Span {
  from: number
  to: number
  bucket: 'hour' | 'day'
}

const DAYS: Record<Exclude<Range, '24h'>, number> = { '7d': 7, '30d': 30, '90d': 90 }

/** The time a range means: whole hours or whole days (of UTC, as the server counts), up to now. */
export function spanOf(range: Range, now: number): Span {
  if (range === '24h') return { from: Math.floor(now / HOUR) * HOUR - 23 * HOUR, to: now, bucket: 'hour' }
  return { from: Math.floor(now / DAY) * DAY - (DAYS[range] - 1) * DAY, to: now, bucket: 'day' }
}

/** When each bucket of a usage begins, also of those in which nothing happened. */
export function bucketsOf({ from, to, bucket }: Pick<Usage, 'from' | 'to' | 'bucket'>): number[] {
  const step = bucket === 'hour' ? HOUR : DAY
  const starts: number[] = []
  for (let at = Math.floor(Date.parse(from) / step) * step; at < Date.parse(to); at += step) starts.push(at)
  return starts
}

export interface Series {
  name: string
  /** Which of the colours it has; the same everywhere on the page. */
  colour: number
  values: number[]
}

type Count = 'requests' | 'failures' | 'fallbacks' | 'usd' | 'tokens'

/** One series for each provider that has anything to show, with a value for every bucket. */
export function seriesOf(usage: Usage, count: Count, names: readonly string[]): Series[] {
  const starts = bucketsOf(usage)
  return names
    .map((name, colour) => {
      const values = starts.map(() => 0)
      eachPoint(usage, starts, name, (at, point) => {
        values[at] = (values[at] ?? 0) + countOf(point, count)
      })
      return { name, colour, values }
    })
    .filter((series) => series.values.some((value) => value > 0))
}

/** How long one provider took, for every bucket in which it answered. */
export function latencyOf(usage: Usage, name: string): (Percentiles | null)[] {
  const starts = bucketsOf(usage)
  const found: (Percentiles | null)[] = starts.map(() => null)
  eachPoint(usage, starts, name, (at, point) => {
    found[at] = point.latency_ms
  })
  return found
}

/** The names of all providers, those that are set up first, so that each keeps its colour under any filter. */
export function namesOf(usage: Usage, known: readonly string[]): string[] {
  const seen = usage.series.map((point) => point.provider).sort()
  return [...new Set([...known, ...seen])]
}

function eachPoint(
  usage: Usage,
  starts: readonly number[],
  name: string,
  take: (at: number, point: SeriesPoint) => void,
): void {
  const step = usage.bucket === 'hour' ? HOUR : DAY
  for (const point of usage.series) {
    const at = Math.floor((Date.parse(point.start) - (starts[0] ?? 0)) / step)
    if (point.provider === name && at >= 0 && at < starts.length) take(at, point)
  }
}

function countOf(point: SeriesPoint, count: Count): number {
  return count === 'tokens' ? point.tokens_in + point.tokens_out : point[count]
}
