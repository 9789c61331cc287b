import { expect, test } from 'vitest'
import { DEFAULT_BUDGET, packedChunks, readBudget } from './pack'
import type { ContextPack, CutReason, PackEntry } from './wire'

const entry = (chunk: number | null, reason?: CutReason): PackEntry => ({
  document_id: chunk === null ? null : 'doc_1',
  title: '',
  source: '',
  time: null,
  score: null,
  privacy: 'shareable',
  tokens: 10,
  reason,
  chunk,
})

test('each chunk says whether it was taken, and if not, why', () => {
  const pack: ContextPack = {
    query: '',
    counter: 'o200k_base',
    budget_tokens: 10,
    tokens: 10,
    privacy: 'shareable',
    sections: [{ name: 'a', title: 'A', tokens: 10, entries: [entry(1), entry(null)] }],
    cut: [entry(1, 'duplicate'), entry(2, 'budget'), entry(3, 'duplicate'), entry(null, 'budget')],
    text: '',
  }
  expect([...packedChunks(pack)].sort()).toEqual([
    [1, 'taken'],
    [2, 'budget'],
    [3, 'duplicate'],
  ])
  expect(packedChunks(undefined).size).toBe(0)
})

test.each([
  [undefined, null],
  ['8000', 8_000],
  ['7', DEFAULT_BUDGET],
  ['many', DEFAULT_BUDGET],
])('a budget of %s is read as %s', (text, budget) => {
  expect(readBudget(text)).toBe(budget)
})
