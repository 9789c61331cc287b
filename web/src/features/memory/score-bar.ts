/**
 * The geometry of a score as a bar: what adds to it grows to the right from the zero line, what takes away from it to
 * the left. All bars on screen have one scale, so that they can be compared.
 */
import { FEATURES, type ScorePart } from './wire'

/** What counts less than this is not drawn. */
const LEAST = 0.000_5
const COLOURS = 8

export interface Scale {
  /** The most that is taken away from a score, and the most that is added to one; both from 0. */
  below: number
  above: number
}

/** All in shares of the bar's whole length, from 0 to 1. */
export interface Segment {
  feature: string
  share: number
  from: number
  length: number
}

export interface Bar {
  zero: number
  segments: Segment[]
}

type Parts = readonly ScorePart[]

function sum(parts: Parts, sign: 1 | -1): number {
  return parts.reduce((all, { share }) => all + Math.max(0, sign * share), 0)
}

/** One that all of these scores fit into. */
export function scaleOf(scores: readonly Parts[]): Scale {
  return {
    below: Math.max(0, ...scores.map((parts) => sum(parts, -1))),
    above: Math.max(0, ...scores.map((parts) => sum(parts, 1))),
  }
}

/** The parts in their order, from the zero line outwards. */
export function barOf(parts: Parts, { below, above }: Scale): Bar {
  const whole = below + above
  if (!(whole > 0) || !Number.isFinite(whole)) return { zero: 0, segments: [] }
  const zero = below / whole
  let [left, right] = [zero, zero]
  const segments: Segment[] = []
  for (const { feature, share } of parts) {
    if (!(Math.abs(share) >= LEAST)) continue
    const length = Math.abs(share) / whole
    if (share < 0) left -= length
    segments.push({ feature, share, from: share < 0 ? left : right, length })
    if (share > 0) right += length
  }
  return { zero, segments }
}

/** The parts that have a say, the strongest first. */
export function strongest(parts: Parts): ScorePart[] {
  return parts
    .filter(({ share }) => Math.abs(share) >= LEAST)
    .sort((one, other) => Math.abs(other.share) - Math.abs(one.share))
}

/** The colour of a feature: eight that are told apart, and after them the same ones with stripes. */
export function lookOf(feature: string): { colour: string; striped: boolean } {
  const found = (FEATURES as readonly string[]).indexOf(feature)
  const place = found < 0 ? FEATURES.length : found
  return { colour: `var(--plot-${(place % COLOURS) + 1})`, striped: place >= COLOURS }
}
