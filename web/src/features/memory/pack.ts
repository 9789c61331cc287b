/** What a context pack makes of hits. */
import type { ContextPack, CutReason } from './wire'

export const BUDGETS = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000] as const
export const DEFAULT_BUDGET = 4_000

export type Packed = 'taken' | CutReason

export function readBudget(text: string | undefined): number | null {
  if (text === undefined) return null
  return BUDGETS.find((budget) => String(budget) === text) ?? DEFAULT_BUDGET
}

/** For each chunk whether it was taken, and if not, why. One that was taken anywhere is in. */
export function packedChunks(pack: ContextPack | undefined): Map<number, Packed> {
  const chunks = new Map<number, Packed>()
  for (const { chunk, reason } of pack?.cut ?? []) if (chunk !== null && reason) chunks.set(chunk, reason)
  for (const { chunk } of pack?.sections.flatMap(({ entries }) => entries) ?? []) {
    if (chunk !== null) chunks.set(chunk, 'taken')
  }
  return chunks
}
