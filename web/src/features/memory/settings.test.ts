import { expect, test } from 'vitest'
import {
  DEFAULT_SETTINGS,
  isDefault,
  readSettings,
  type Settings,
  withWeight,
  writeSettings,
} from './settings'

const settings = (
  topK: number,
  weights: Record<string, number> = {},
  others: Partial<Settings> = {},
): Settings => ({ ...DEFAULT_SETTINGS, topK, weights, ...others })

test.each([
  [settings(10), 'default'],
  [settings(20), 'k:20'],
  [settings(10, { recency: 0, similarity: 1.5 }), 'similarity:1.5,recency:0'],
  [settings(5, { asks: -0.25 }), 'k:5,asks:-0.25'],
  [settings(10, {}, { neighbours: 2 }), 'around:2'],
  [settings(10, {}, { rerank: '' }), 'rerank:'],
  [settings(5, {}, { rerank: 'open router/qwen:3,x' }), 'k:5,rerank:open%20router%2Fqwen%3A3%2Cx'],
  // What is shown around a hit, and how much its neighbours count, are two things.
  [settings(20, { neighbours: 1 }, { neighbours: 1 }), 'k:20,around:1,neighbours:1'],
])('%j stands in the address as %s', (value, text) => {
  expect(writeSettings(value)).toBe(text)
  expect(readSettings(text)).toEqual(value)
})

test.each([
  [undefined],
  [''],
  ['k:7'],
  ['k:1e9'],
  ['around:4'],
  ['around:-1'],
  ['rerank'],
  ['rerank:%'],
  [`rerank:${'x'.repeat(201)}`],
  ['similarity:99'],
  ['similarity:NaN'],
  ['colour:1'],
  ['similarity'],
  ['__proto__:1'],
])('what cannot be read is as by default: %s', (text) => {
  expect(readSettings(text)).toEqual(DEFAULT_SETTINGS)
})

test('only weights that were changed are kept', () => {
  const changed = withWeight(DEFAULT_SETTINGS, 'words', 0.4, 0.25)
  expect(changed.weights).toEqual({ words: 0.4 })
  expect(isDefault(changed)).toBe(false)
  const back = withWeight(changed, 'words', 0.250_000_1, 0.25)
  expect(back.weights).toEqual({})
  expect(isDefault(back)).toBe(true)
  expect(isDefault({ ...back, neighbours: 1 })).toBe(false)
  expect(isDefault({ ...back, rerank: '' })).toBe(false)
})
