import type { RunEvent } from './api'

/** What became of an event that came in. */
export type Arrival = 'added' | 'known' | 'gap'

/**
 * The events of one run as they come in: each once, in order, none missing. Numbers start at 1 and have no
 * holes, so an event that is further on than the next number means that something was lost on the way.
 */
export class RunLog {
  private events: RunEvent[] = []
  private shown: readonly RunEvent[] = []
  private listeners = new Set<() => void>()
  private scheduled = false
  private gapAt = 0

  get lastSeq(): number {
    return this.events.at(-1)?.seq ?? 0
  }

  get lastKind(): string | undefined {
    return this.events.at(-1)?.kind
  }

  add(event: RunEvent): Arrival {
    if (event.seq <= this.lastSeq) return 'known'
    if (event.seq > this.lastSeq + 1 && this.gapAt !== event.seq) {
      // Asked for again once; if the same hole comes back, the server really has no more than that.
      this.gapAt = event.seq
      return 'gap'
    }
    this.events.push(event)
    this.schedule()
    return 'added'
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** What is to be seen: the same array until there is more. */
  snapshot = (): readonly RunEvent[] => this.shown

  // A replay brings thousands of events at once; the screen follows a few times a second.
  private schedule(): void {
    if (this.scheduled) return
    this.scheduled = true
    setTimeout(() => {
      this.scheduled = false
      this.shown = this.events.slice()
      for (const listener of [...this.listeners]) listener()
    }, 60)
  }
}
