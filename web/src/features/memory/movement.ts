/** How hits moved from one ranking to another. */

export type Movement =
  | { kind: 'same' }
  | { kind: 'up'; by: number }
  | { kind: 'down'; by: number }
  /** Among the hits of the one only. */
  | { kind: 'alone' }

/** For each of `to`, where it was in `from`. */
export function movements(from: readonly number[], to: readonly number[]): Map<number, Movement> {
  const places = new Map(from.map((chunk, place) => [chunk, place]))
  return new Map(to.map((chunk, place) => [chunk, between(places.get(chunk), place)]))
}

function between(before: number | undefined, now: number): Movement {
  if (before === undefined) return { kind: 'alone' }
  if (before === now) return { kind: 'same' }
  return before > now ? { kind: 'up', by: before - now } : { kind: 'down', by: now - before }
}

/** How much two rankings agree: how many hits both have, and how many of those stand in the same place. */
export function agreement(a: readonly number[], b: readonly number[]): { shared: number; same: number } {
  const places = new Map(a.map((chunk, place) => [chunk, place]))
  return {
    shared: b.filter((chunk) => places.has(chunk)).length,
    same: b.filter((chunk, place) => places.get(chunk) === place).length,
  }
}
