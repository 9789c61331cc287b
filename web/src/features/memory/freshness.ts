/** Bars by which collections are compared. */
import type { Collection } from './wire'

export const MEASURES = ['documents', 'chunks', 'characters'] as const
export type Measure = (typeof MEASURES)[number]

const DAY_MS = 86_400_000
/** From this age on a collection counts as old. */
const OLD_DAYS = 365

/**
 * How fresh something is: 1 now, 0 after a year. Each further day counts less, as it does to a person: between today
 * and yesterday lies more than between two days of last winter.
 */
export function freshness(newest: string, now: number): number {
  const days = Math.max(0, now - Date.parse(newest)) / DAY_MS
  if (Number.isNaN(days)) return 0
  return Math.max(0, 1 - Math.log1p(days) / Math.log1p(OLD_DAYS))
}

/** The largest first; those that are alike by name. */
export function bySize(collections: readonly Collection[], measure: Measure): Collection[] {
  return [...collections].sort(
    (one, other) => other[measure] - one[measure] || one.name.localeCompare(other.name),
  )
}

/** The length of each bar against the longest. What is not nothing is seen. */
export function barLength(value: number, most: number): number {
  if (!(value > 0) || !(most > 0)) return 0
  return Math.max(0.01, Math.min(1, value / most))
}
