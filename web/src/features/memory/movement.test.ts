import { expect, test } from 'vitest'
import { agreement, movements } from './movement'

test('each hit says how far it moved', () => {
  expect([...movements([1, 2, 3, 4], [1, 4, 9, 2])]).toEqual([
    [1, { kind: 'same' }],
    [4, { kind: 'up', by: 2 }],
    [9, { kind: 'alone' }],
    [2, { kind: 'down', by: 2 }],
  ])
})

test('seen from the other side everything is the other way round', () => {
  const [a, b] = [
    [1, 2, 3],
    [3, 1, 7],
  ]
  expect(movements(a, b).get(3)).toEqual({ kind: 'up', by: 2 })
  expect(movements(b, a).get(3)).toEqual({ kind: 'down', by: 2 })
  expect(movements(b, a).get(2)).toEqual({ kind: 'alone' })
})

test.each([
  [[], [], 0, 0],
  [[1, 2], [1, 2], 2, 2],
  [[1, 2], [2, 1], 2, 0],
  [[1, 2, 3], [1, 9], 1, 1],
])('%j and %j share %i hits, %i of them in the same place', (a, b, shared, same) => {
  expect(agreement(a, b)).toEqual({ shared, same })
})
