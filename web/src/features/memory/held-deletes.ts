/**
 * Documents that a person has deleted and may still take back. Each is held some seconds, and longer while its notice
 * is looked at; then it is deleted. One that is left behind with the page is deleted at once, since it was said to be.
 */

export const HELD_MS = 8_000

export interface HeldDocument {
  id: string
  title: string
  /** Why it could not be deleted in the end; it is there again then. */
  error?: unknown
}

type Delete = (id: string, isLeaving: boolean) => Promise<unknown>

interface Hold {
  timer: ReturnType<typeof setTimeout> | undefined
  remove: Delete
}

export class HeldDeletes {
  #holds = new Map<string, Hold>()
  #listeners = new Set<() => void>()
  #documents: readonly HeldDocument[] = []

  /** The last one that was deleted comes last. */
  current = (): readonly HeldDocument[] => this.#documents

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  add({ id, title }: HeldDocument, remove: Delete): void {
    clearTimeout(this.#holds.get(id)?.timer)
    this.#holds.set(id, { timer: undefined, remove })
    this.#change([...this.#without(id), { id, title }])
    this.resume(id)
  }

  /** Waits for as long as the notice is looked at. */
  pause(id: string): void {
    clearTimeout(this.#holds.get(id)?.timer)
  }

  resume(id: string): void {
    const hold = this.#holds.get(id)
    if (!hold) return
    clearTimeout(hold.timer)
    hold.timer = setTimeout(() => void this.#finish(id, false), HELD_MS)
  }

  /** Takes it back, or puts the notice of a failure away. */
  undo(id: string): void {
    clearTimeout(this.#holds.get(id)?.timer)
    this.#holds.delete(id)
    this.#change(this.#without(id))
  }

  /** Deletes all that is held now: nobody will be there later. */
  leave(): void {
    for (const id of [...this.#holds.keys()]) void this.#finish(id, true)
  }

  async #finish(id: string, isLeaving: boolean): Promise<void> {
    const hold = this.#holds.get(id)
    if (!hold) return
    clearTimeout(hold.timer)
    this.#holds.delete(id)
    try {
      await hold.remove(id, isLeaving)
      this.#change(this.#without(id))
    } catch (error) {
      this.#change(this.#documents.map((one) => (one.id === id ? { ...one, error } : one)))
    }
  }

  #without(id: string): HeldDocument[] {
    return this.#documents.filter((one) => one.id !== id)
  }

  #change(documents: readonly HeldDocument[]): void {
    this.#documents = documents
    for (const listener of this.#listeners) listener()
  }
}

/** Whether a document is there, as far as a person is concerned. */
export function isThere(held: readonly HeldDocument[], id: string): boolean {
  return !held.some((one) => one.id === id && one.error === undefined)
}
