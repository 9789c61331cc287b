/**
 * Files on their way into memory: a request for each, a few at a time, in the order in which they were chosen. One
 * that fails holds up none of the others.
 */
import type { IngestedDocument } from './wire'

export const AT_ONCE = 3

export type UploadState = 'waiting' | 'sending' | 'reading' | 'done' | 'failed' | 'cancelled'

export interface Upload {
  id: number
  name: string
  size: number
  state: UploadState
  /** How much of the file is with the server, from 0 to 1. */
  sent: number
  /** What became of what is in it; several where it holds several. */
  outcomes: IngestedDocument[]
  /** Why the request failed as a whole. */
  error: unknown
}

export type SendFile<Target> = (
  file: File,
  target: Target,
  onSent: (share: number) => void,
  signal: AbortSignal,
) => Promise<IngestedDocument[]>

interface Job<Target> {
  file: File
  target: Target
  abort: AbortController
}

export function isOver({ state }: Upload): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled'
}

/** Whether something in it was not taken. */
export function hasFailed({ state, outcomes }: Upload): boolean {
  return state === 'failed' || outcomes.some((outcome) => outcome.state === 'failed')
}

export class UploadQueue<Target> {
  #send: SendFile<Target>
  #jobs = new Map<number, Job<Target>>()
  #listeners = new Set<() => void>()
  #uploads: readonly Upload[] = []
  #last = 0

  constructor(send: SendFile<Target>) {
    this.#send = send
  }

  /** A new list with each change, so that it can be compared. */
  current = (): readonly Upload[] => this.#uploads

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  add(files: readonly File[], target: Target): void {
    const added = files.map((file): Upload => {
      this.#last += 1
      this.#jobs.set(this.#last, { file, target, abort: new AbortController() })
      const { name, size } = file
      return { id: this.#last, name, size, state: 'waiting', sent: 0, outcomes: [], error: null }
    })
    this.#change([...this.#uploads, ...added])
    this.#begin()
  }

  cancel(id: number): void {
    const upload = this.#uploads.find((one) => one.id === id)
    if (!upload || isOver(upload)) return
    this.#set(id, { state: 'cancelled' })
    this.#jobs.get(id)?.abort.abort()
    this.#begin()
  }

  /** Sends once more what failed or was stopped. */
  retry(id: number): void {
    const job = this.#jobs.get(id)
    const upload = this.#uploads.find((one) => one.id === id)
    if (!job || !upload || !isOver(upload)) return
    job.abort = new AbortController()
    this.#set(id, { state: 'waiting', sent: 0, outcomes: [], error: null })
    this.#begin()
  }

  /** Forgets what is over. */
  clear(): void {
    for (const upload of this.#uploads) if (isOver(upload)) this.#jobs.delete(upload.id)
    this.#change(this.#uploads.filter((upload) => !isOver(upload)))
  }

  #begin(): void {
    const busy = this.#uploads.filter(({ state }) => state === 'sending' || state === 'reading').length
    const next = this.#uploads
      .filter(({ state }) => state === 'waiting')
      .slice(0, Math.max(0, AT_ONCE - busy))
    for (const { id } of next) void this.#run(id)
  }

  async #run(id: number): Promise<void> {
    const job = this.#jobs.get(id)
    if (!job) return
    const { signal } = job.abort
    // What was stopped meanwhile, and perhaps begun anew, is no longer this attempt's to change.
    const set = (change: Partial<Upload>) => !signal.aborted && this.#set(id, change)
    this.#set(id, { state: 'sending' })
    try {
      const onSent = (sent: number) => set({ sent, state: sent >= 1 ? 'reading' : 'sending' })
      const outcomes = await this.#send(job.file, job.target, onSent, signal)
      set({ state: 'done', sent: 1, outcomes })
    } catch (error) {
      set({ state: 'failed', error })
    }
    this.#begin()
  }

  #set(id: number, change: Partial<Upload>): void {
    this.#change(this.#uploads.map((upload) => (upload.id === id ? { ...upload, ...change } : upload)))
  }

  #change(uploads: readonly Upload[]): void {
    this.#uploads = uploads
    for (const listener of this.#listeners) listener()
  }
}
