// Keeps a place while somebody pays. See the decision about booking holds.

import { db } from './database'

const HOLD_MINUTES = 12
const EXTENSION_MINUTES = 3
const WARN_BELOW_MS = 3 * 60_000

export type Hold = { id: string; retreat: string; expiresAt: Date; extended: boolean }

/** Takes a place or says that there is none; the lock makes two guests wait for each other. */
export async function takeHold(retreat: string, visitor: string): Promise<Hold | 'full'> {
  return db.transaction(async (tx) => {
    const [row] = await tx.sql`select places from retreats where code = ${retreat} for update`
    const [{ taken }] = await tx.sql`
      select count(*)::int as taken from bookings
      where retreat = ${retreat} and (paid or expires_at > now())`
    if (taken >= row.places) return 'full'
    // One visitor holds one place, however many tabs are open.
    await tx.sql`delete from bookings where visitor = ${visitor} and not paid`
    return tx.insertHold(retreat, visitor, HOLD_MINUTES)
  })
}

/** Gives three minutes more, once, when the bank wants a second confirmation. */
export async function extendHold(hold: Hold): Promise<Hold> {
  if (hold.extended) throw new Error('a hold is extended only once')
  const expiresAt = new Date(hold.expiresAt.getTime() + EXTENSION_MINUTES * 60_000)
  return db.updateHold(hold.id, { expiresAt, extended: true })
}

/** Whether the page begins to show a countdown. */
export function shouldWarn(hold: Hold, now: Date): boolean {
  const left = hold.expiresAt.getTime() - now.getTime()
  return left > 0 && left < WARN_BELOW_MS
}

/** Removes what has expired; run every minute by the scheduler. */
export async function sweepExpired(): Promise<number> {
  const gone = await db.sql`delete from bookings where not paid and expires_at < now() returning id`
  return gone.length
}
