import { expect, test } from 'vitest'
import { barOf, lookOf, scaleOf, strongest } from './score-bar'
import { FEATURES, type ScorePart } from './wire'

const parts = (...shares: number[]): ScorePart[] =>
  shares.map((share, place) => ({ feature: FEATURES[place] ?? '', value: share, weight: 1, share }))

test('all scores have one scale', () => {
  expect(scaleOf([parts(0.5, 0.25, -0.1), parts(1, -0.3, -0.2)])).toEqual({ below: 0.5, above: 1 })
  expect(scaleOf([])).toEqual({ below: 0, above: 0 })
})

test('what adds goes to the right of zero, what takes away to the left', () => {
  const bar = barOf(parts(0.5, -0.25, 0.25, 0, -0.25), { below: 1, above: 1 })
  expect(bar.zero).toBe(0.5)
  expect(bar.segments.map(({ feature, from, length }) => [feature, from, length])).toEqual([
    ['similarity', 0.5, 0.25],
    ['neighbours', 0.375, 0.125],
    ['words', 0.75, 0.125],
    ['window', 0.25, 0.125],
  ])
})

test('the longest bar fills the room, and no segment leaves it', () => {
  const scores = [parts(0.7, 0.2, -0.3), parts(0.1, -0.1), parts(0.9, 0.05, 0.01)]
  const scale = scaleOf(scores)
  for (const score of scores) {
    for (const { from, length } of barOf(score, scale).segments) {
      expect(from).toBeGreaterThanOrEqual(-1e-9)
      expect(from + length).toBeLessThanOrEqual(1 + 1e-9)
    }
  }
  const right = barOf(scores[2] ?? [], scale).segments.at(-1)
  expect((right?.from ?? 0) + (right?.length ?? 0)).toBeCloseTo(1)
})

test('where there is nothing to draw, nothing is drawn', () => {
  expect(barOf(parts(0, 0), scaleOf([parts(0, 0)]))).toEqual({ zero: 0, segments: [] })
  expect(barOf(parts(Number.NaN, 0.5), { below: 0, above: 0.5 }).segments).toHaveLength(1)
})

test('the strongest part comes first, whichever way it works', () => {
  const found = strongest(parts(0.1, -0.4, 0.000_1, 0.2)).map(({ feature }) => feature)
  expect(found).toEqual(['neighbours', 'keyword', 'similarity'])
})

test('no two features look alike', () => {
  const looks = FEATURES.map((feature) => JSON.stringify(lookOf(feature)))
  expect(new Set(looks).size).toBe(FEATURES.length)
})
