/** What a limit counts, as forms and bars need it. */
import type { Limit } from './wire'

export const MEASURES = ['requests', 'tokens', 'usd'] as const
export type Measure = (typeof MEASURES)[number]

/** What a limit counts, how much of it is used, and whether that is much. */
export function usesOf(limit: Limit): { measure: Measure; used: number; most: number; share: number }[] {
  return MEASURES.flatMap((measure) => {
    const most = limit[measure]
    if (most === null) return []
    const used = limit.used[measure]
    // A limit of nothing is reached from the beginning.
    return [{ measure, used, most, share: most > 0 ? used / most : 1 }]
  })
}

/** Fields of a number as they stand in a form; empty is no limit, `undefined` no number at all. */
export function readNumber(text: string): number | null | undefined {
  if (text.trim() === '') return null
  const value = Number(text)
  return Number.isFinite(value) && value >= 0 ? value : undefined
}
