import { expect, test } from 'vitest'
import { inOrder, moveItem } from './order'

test.each([
  [0, 1, 'bac'],
  [2, 0, 'cab'],
  [0, 2, 'bca'],
  [0, -1, 'abc'],
  [1, 9, 'acb'],
  [7, 0, 'abc'],
])('moving %d to %d gives %s', (from, to, expected) => {
  expect(moveItem([...'abc'], from, to).join('')).toBe(expected)
})

test('providers that the order does not name come after those it names', () => {
  const items = ['new', 'b', 'a', 'other'].map((name) => ({ name }))
  expect(inOrder(items, ['a', 'b', 'gone']).map((item) => item.name)).toEqual(['a', 'b', 'new', 'other'])
})
