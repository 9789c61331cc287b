import { expect, test } from 'vitest'
import { barLength, bySize, freshness } from './freshness'
import type { Collection } from './wire'

const NOW = Date.parse('2026-11-22T12:00:00Z')

test('what is new is fresh, what is a year old is not, and it only ever falls', () => {
  expect(freshness('2026-11-22T12:00:00Z', NOW)).toBe(1)
  expect(freshness('2030-01-01T00:00:00Z', NOW)).toBe(1)
  expect(freshness('2025-01-01T00:00:00Z', NOW)).toBe(0)
  expect(freshness('soon', NOW)).toBe(0)
  const ages = [1, 7, 30, 180].map((days) => freshness(new Date(NOW - days * 86_400_000).toISOString(), NOW))
  expect(ages).toEqual([...ages].sort((one, other) => other - one))
  expect(Math.min(...ages)).toBeGreaterThan(0)
})

test('the largest collection comes first', () => {
  const named = (name: string, chunks: number): Collection => ({
    name,
    chunks,
    documents: 1,
    characters: 0,
    local_documents: 0,
    newest: '2026-11-22T12:00:00.000Z',
    privacy: 'shareable',
    embedding: null,
    chunking: { version: 1, max_characters: 1200, waiting: 0 },
    settings: { privacy: null, chunk_characters: null, embedded: null },
  })
  const sorted = bySize([named('b', 1), named('a', 1), named('c', 9)], 'chunks')
  expect(sorted.map(({ name }) => name)).toEqual(['c', 'a', 'b'])
})

test.each([
  [0, 10, 0],
  [1, 1_000_000, 0.01],
  [5, 10, 0.5],
  [10, 10, 1],
  [0, 0, 0],
])('%i of at most %i has a bar of %d', (value, most, length) => {
  expect(barLength(value, most)).toBe(length)
})
