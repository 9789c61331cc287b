import { expect, test } from 'vitest'
import { readNumber, usesOf } from './limit-figures'
import type { Limit } from './wire'

const limit: Limit = {
  id: 'lim_1',
  scope: 'workspace',
  subject: null,
  window: 'day',
  requests: 200,
  tokens: null,
  usd: 0,
  warn_at: 0.8,
  used: { requests: 50, tokens: 9_000, usd: 0 },
  state: 'ok',
  resets_at: '2026-01-02T00:00:00Z',
}

test('only what is limited is shown, and a limit of nothing is used up', () => {
  expect(usesOf(limit)).toEqual([
    { measure: 'requests', used: 50, most: 200, share: 0.25 },
    { measure: 'usd', used: 0, most: 0, share: 1 },
  ])
})

test.each([
  ['', null],
  [' ', null],
  ['12.5', 12.5],
  ['0', 0],
  ['-1', undefined],
  ['much', undefined],
])('%j in a field means %j', (text, expected) => {
  expect(readNumber(text)).toBe(expected)
})
