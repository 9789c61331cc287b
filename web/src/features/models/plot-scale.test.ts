import { expect, test } from 'vitest'
import { columnAt, labelledColumns, linesThrough, niceTicks, stack } from './plot-scale'

test.each([
  [0, [0, 1]],
  [Number.NaN, [0, 1]],
  [4, [0, 1, 2, 3, 4]],
  [97, [0, 25, 50, 75, 100]],
  [1_300, [0, 500, 1_000, 1_500]],
  [0.0021, [0, 0.001, 0.002, 0.003]],
])('an axis up to %d has the ticks %j', (max, expected) => {
  expect(niceTicks(max)).toEqual(expected)
})

test('an axis of things that are counted has whole ticks', () => {
  expect(niceTicks(9, true)).toEqual([0, 3, 6, 9])
  expect(niceTicks(2, true)).toEqual([0, 1, 2])
  expect(niceTicks(1_300, true)).toEqual([0, 500, 1_000, 1_500])
})

test('an axis always reaches what it shows, with few ticks', () => {
  for (let max = 0.0001; max < 1e9; max *= 1.37) {
    const ticks = niceTicks(max)
    expect(ticks.at(-1), `${max}`).toBeGreaterThanOrEqual(max * (1 - 1e-9))
    expect(ticks.length, `${max}`).toBeLessThanOrEqual(6)
  }
})

test('the parts of a bar stand on each other', () => {
  expect(stack([2, 0, 3])).toEqual([
    { from: 0, to: 2 },
    { from: 2, to: 2 },
    { from: 2, to: 5 },
  ])
})

test('a place on the axis is in the column under it, and never outside', () => {
  expect([-5, 0, 99, 100, 250, 300, 999].map((place) => columnAt(place, 300, 3))).toEqual([
    0, 0, 0, 1, 2, 2, 2,
  ])
})

test('the last column is named, and so many others as have room', () => {
  expect(labelledColumns(7, 700, 50)).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(labelledColumns(30, 600, 60)).toEqual([2, 5, 8, 11, 14, 17, 20, 23, 26, 29])
  expect(labelledColumns(0, 600, 60)).toEqual([])
})

test('a line is broken where a point is missing', () => {
  const at = (x: number) => ({ x, y: 1 })
  expect(linesThrough([at(0), at(1), null, at(3), null, at(5), at(6)])).toEqual(['M0,1L1,1', 'M5,1L6,1'])
})
