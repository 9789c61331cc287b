import { expect, test } from 'vitest'
import { addCondition, type Filters, filterBody, readFilters, removeCondition, writeFilters } from './filters'

const filters: Filters = [
  { field: 'collection', value: 'notes' },
  { field: 'collection', value: 'mail' },
  { field: 'author', value: 'Lovelace, Ada: 100%' },
]

test.each([
  [filters],
  [[]],
  [[{ field: 'url', value: 'https://example.com/a?b=c,d&e' }]],
  [[{ field: 'since', value: '2026-01-31T09:30:00Z' }]],
] as [Filters][])('what stands in the address is read as it was written: %j', (written) => {
  expect(readFilters(writeFilters(written))).toEqual(written)
})

test.each([
  ['colour:red'],
  ['collection'],
  ['collection:'],
  [':notes'],
  ['author:%E0%A4%A'],
  ['since:yesterday'],
  ['privacy:secret'],
  [',,,'],
])('what cannot be read is left out: %s', (text) => {
  expect(readFilters(`${text},agent:planner`)).toEqual([{ field: 'agent', value: 'planner' }])
})

test('a further collection stands beside the others, any other field has one value', () => {
  const more = addCondition(filters, { field: 'collection', value: 'code' })
  expect(more.map(({ value }) => value)).toEqual(['notes', 'mail', 'Lovelace, Ada: 100%', 'code'])
  const other = addCondition(more, { field: 'author', value: ' Grace ' })
  expect(other.map(({ value }) => value)).toEqual(['notes', 'mail', 'Grace', 'code'])
})

test('the same collection is looked at once, and nothing is added by nothing', () => {
  expect(addCondition(filters, { field: 'collection', value: 'notes' })).toEqual(filters)
  expect(addCondition(filters, { field: 'source', value: '  ' })).toBe(filters)
  expect(addCondition(filters, { field: 'until', value: 'soon' })).toBe(filters)
})

test('only the condition that was meant is taken away', () => {
  expect(removeCondition(filters, { field: 'collection', value: 'notes' })).toEqual(filters.slice(1))
  expect(removeCondition(filters, { field: 'collection', value: 'code' })).toEqual(filters)
})

test('a request carries collections as a list, and nothing where everything is looked at', () => {
  expect(filterBody(filters)).toEqual({ collection: ['notes', 'mail'], author: 'Lovelace, Ada: 100%' })
  expect(filterBody([])).toBeUndefined()
})
