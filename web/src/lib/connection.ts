import { onlineManager } from '@tanstack/react-query'
import { backoff, sleep } from './backoff'

/**
 * Whether the server can be reached. Any request that fails on the network reports here; from then on the
 * health endpoint is asked, with growing pauses, until it answers. What the browser believes about the network
 * does not count: the server is usually on this machine.
 */
export type Connection = 'connected' | 'reconnecting'

type Listener = () => void

const listeners = new Set<Listener>()
let state: Connection = 'connected'
let wake: AbortController | null = null

onlineManager.setEventListener(() => () => {})

export const connection = {
  current: (): Connection => state,

  subscribe(listener: Listener): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },

  /** Called by whoever saw a request fail on the network. */
  lost(): void {
    if (state === 'reconnecting') return
    change('reconnecting')
    void watch()
  },

  /** Asks at once instead of waiting for the next turn. */
  retryNow(): void {
    wake?.abort()
  },

  /** Resolves as soon as the server can be reached. */
  async whenConnected(signal: AbortSignal): Promise<void> {
    if (state === 'connected' || signal.aborted) return
    await new Promise<void>((resolve) => {
      const stop = connection.subscribe(() => done())
      const done = () => {
        stop()
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done)
    })
  },
}

function change(next: Connection): void {
  state = next
  onlineManager.setOnline(next === 'connected')
  for (const listener of [...listeners]) listener()
}

async function watch(): Promise<void> {
  for (let attempt = 0; state === 'reconnecting'; attempt += 1) {
    wake = new AbortController()
    await sleep(backoff(attempt, 10_000), wake.signal)
    if (await answers()) change('connected')
  }
  wake = null
}

async function answers(): Promise<boolean> {
  try {
    const response = await fetch('/api/v1/health', { cache: 'no-store', signal: AbortSignal.timeout(5_000) })
    // Any answer of the server itself will do, a refusal included; a proxy's 502 to 504 will not.
    return response.status < 502
  } catch {
    return false
  }
}

addEventListener('online', () => connection.retryNow())
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) connection.retryNow()
})
