import { isOver, reduceTurn, type TurnView } from './turn-view'
import type { TurnEvent } from './wire'

/** The id of a turn that was sent and that the server has not named yet. */
export const SENDING = 'sending'

/**
 * The turns of a session as they come in, from the history and live. The screen follows a few times a second,
 * however fast words arrive.
 */
export class ChatLog {
  private turns: TurnView[] = []
  private shown: readonly TurnView[] = []
  private listeners = new Set<() => void>()
  private scheduled = false

  get(turnId: string): TurnView | undefined {
    return this.turns.find((turn) => turn.turnId === turnId)
  }

  /** Takes over the server's history; what events have told in more detail stays. */
  load(history: readonly TurnView[]): void {
    const sending = this.turns.filter((turn) => turn.turnId === SENDING)
    this.turns = [...history.map((turn) => this.better(turn)), ...sending]
    this.publish()
  }

  private better(turn: TurnView): TurnView {
    const known = this.get(turn.turnId)
    if (!known || known.lastId === 0) return turn
    // One that goes on here has ended there if its stream was lost for long.
    if (isOver(turn) && !isOver(known)) return turn
    const { model, checkpoint } = turn
    if (!isOver(turn)) return { ...known, model, checkpoint }
    const { changed, usage } = turn
    return { ...known, model, checkpoint, changed, usage, seconds: known.seconds ?? turn.seconds }
  }

  /** Begins a turn; the one it replaces leaves, with all that came after it. */
  begin(turn: TurnView, replaces?: string): void {
    const place = this.turns.findIndex((known) => known.turnId === replaces)
    this.turns = [...(replaces && place >= 0 ? this.turns.slice(0, place) : this.turns), turn]
    this.publish()
  }

  /** Puts back what was there before `begin`, as far as the server knows it. */
  forget(turnId: string): void {
    this.turns = this.turns.filter((turn) => turn.turnId !== turnId)
    this.publish()
  }

  put(turnId: string, next: TurnView): void {
    this.turns = this.turns.map((turn) => (turn.turnId === turnId ? next : turn))
    this.schedule()
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** What is to be seen: the same array until there is more. */
  snapshot = (): readonly TurnView[] => this.shown

  private schedule(): void {
    if (this.scheduled) return
    this.scheduled = true
    setTimeout(() => this.publish(), 60)
  }

  private publish(): void {
    this.scheduled = false
    this.shown = this.turns.slice()
    for (const listener of [...this.listeners]) listener()
  }
}

/** A turn after the event with this number; one that was seen already changes nothing. */
export function takeEvent(turn: TurnView, id: number, event: TurnEvent): TurnView {
  // What goes wrong at last comes as two events of one number: the error, and the end.
  const isNew = id > turn.lastId || (id === turn.lastId && event.kind !== turn.lastKind)
  if (!isNew) return turn
  return { ...reduceTurn(turn, event), lastId: id, lastKind: event.kind }
}
