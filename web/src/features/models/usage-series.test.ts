import { expect, test } from 'vitest'
import { bucketsOf, latencyOf, namesOf, seriesOf, spanOf } from './usage-series'
import type { SeriesPoint, Usage } from './wire'

const NOW = Date.parse('2026-03-10T14:25:00Z')

const point = (start: string, provider: string, requests: number): SeriesPoint => ({
  start,
  provider,
  requests,
  failures: 0,
  fallbacks: 0,
  cached: 0,
  tokens_in: 10 * requests,
  tokens_out: requests,
  tokens_cached: 0,
  usd: 0,
  is_estimated: false,
  latency_ms: { p50: requests, p95: requests, p99: requests },
  first_content_ms: null,
})

const usage: Usage = {
  from: '2026-03-08T00:00:00Z',
  to: '2026-03-10T14:25:00Z',
  bucket: 'day',
  totals: point('', '', 0),
  by_provider: [],
  by_model: [],
  by_token: [],
  series: [
    point('2026-03-08T00:00:00Z', 'b', 4),
    point('2026-03-10T00:00:00Z', 'a', 2),
    point('2026-03-10T00:00:00Z', 'b', 1),
    point('2026-03-11T00:00:00Z', 'b', 99),
  ],
}

test.each([
  ['24h', '2026-03-09T15:00:00.000Z', 'hour', 24],
  ['7d', '2026-03-04T00:00:00.000Z', 'day', 7],
  ['90d', '2025-12-11T00:00:00.000Z', 'day', 90],
] as const)('%s begins at %s and has one %s after the other', (range, from, bucket, count) => {
  const span = spanOf(range, NOW)
  expect([new Date(span.from).toISOString(), span.bucket]).toEqual([from, bucket])
  const text = { from: new Date(span.from).toISOString(), to: new Date(span.to).toISOString(), bucket }
  expect(bucketsOf(text)).toHaveLength(count)
})

test('a day without requests is a nought, and what lies outside is left out', () => {
  expect(seriesOf(usage, 'requests', ['a', 'b', 'idle'])).toEqual([
    { name: 'a', colour: 0, values: [0, 0, 2] },
    { name: 'b', colour: 1, values: [4, 0, 1] },
  ])
  expect(seriesOf(usage, 'tokens', ['a'])[0]?.values).toEqual([0, 0, 22])
})

test('a day without answers has no latency', () => {
  expect(latencyOf(usage, 'b').map((it) => it?.p50 ?? null)).toEqual([4, null, 1])
})

test('providers that are set up come first, those that are gone after them', () => {
  expect(namesOf(usage, ['b', 'z'])).toEqual(['b', 'z', 'a'])
})
