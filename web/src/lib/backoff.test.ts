import { expect, test } from 'vitest'
import { backoff, sleep } from './backoff'

test('pauses double up to the limit', () => {
  const pauses = [0, 1, 2, 3, 20].map((attempt) => backoff(attempt, 2_000, () => 0.5))
  expect(pauses).toEqual([300, 600, 1_200, 2_000, 2_000])
})

test('jitter stays within a quarter', () => {
  expect(backoff(0, 1_000, () => 0)).toBe(225)
  expect(backoff(0, 1_000, () => 1)).toBe(375)
})

test('an abort ends a wait at once', async () => {
  const stop = new AbortController()
  const waiting = sleep(60_000, stop.signal)
  stop.abort()
  await waiting
})
