import { backoff, sleep } from './backoff'
import { connection } from './connection'
import { ApiError, errorFrom, NetworkError } from './problem'
import { type SseMessage, SseParser } from './sse'

export type StreamState = 'connecting' | 'open' | 'reconnecting' | 'closed' | 'refused'

export interface StreamOptions {
  /** An answer that is open already and is read before any other connection is made. */
  first?: Response
  /** The address for the next connection; asked anew each time, so that it can carry the last number seen. */
  url: () => string
  /** What to send as `Last-Event-ID`, if anything has been seen. */
  lastId?: () => string | null
  /** A message. Answer false to drop the connection and take it up again from the last number seen. */
  onMessage: (message: SseMessage) => boolean | undefined
  onState?: (state: StreamState) => void
  /** The server has ended the stream properly: true if there is nothing more to come. */
  isOver?: () => boolean
  signal: AbortSignal
}

/** A heartbeat comes at least every 15 s. After three missed ones the connection counts as dead. */
const SILENCE_MS = 45_000

/**
 * Reads an event stream and keeps it up: after a break it waits until the server is back and goes on from the
 * last event. `fetch` is used rather than EventSource because that cannot tell a refusal from a broken line,
 * and delivers only kinds of event whose names are known beforehand.
 */
export async function followStream(options: StreamOptions): Promise<void> {
  const { signal, onState } = options
  let failures = 0
  let { first } = options
  onState?.('connecting')
  while (!signal.aborted) {
    const open = first
    first = undefined
    const end = await readOnce(options, open, () => {
      failures = 0
      onState?.('open')
    })
    if (signal.aborted) return
    if (end === 'refused') return onState?.('refused')
    if (end === 'ended' && options.isOver?.()) return onState?.('closed')
    onState?.('reconnecting')
    await sleep(end === 'again' ? 0 : backoff(failures, 8_000), signal)
    failures += 1
    await connection.whenConnected(signal)
  }
}

type End = 'ended' | 'broken' | 'refused' | 'again'

async function readOnce(
  options: StreamOptions,
  first: Response | undefined,
  onOpen: () => void,
): Promise<End> {
  const silence = new AbortController()
  const lastId = options.lastId?.()
  try {
    const response =
      first ??
      (await fetch(options.url(), {
        credentials: 'same-origin',
        cache: 'no-store',
        headers: { accept: 'text/event-stream', ...(lastId ? { 'last-event-id': lastId } : {}) },
        signal: AbortSignal.any([options.signal, silence.signal]),
      }))
    if (!response.ok || !response.body) throw await errorFrom(response)
    onOpen()
    return await readBody(response.body, silence, options.onMessage)
  } catch (error) {
    if (error instanceof ApiError && error.status < 500 && error.status !== 429) return 'refused'
    if (!options.signal.aborted && (error instanceof TypeError || error instanceof NetworkError))
      connection.lost()
    return 'broken'
  }
}

async function readBody(
  body: ReadableStream<Uint8Array>,
  silence: AbortController,
  onMessage: StreamOptions['onMessage'],
): Promise<End> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  const parser = new SseParser()
  let watch = setTimeout(() => silence.abort(), SILENCE_MS)
  // An answer that was opened elsewhere does not listen to this signal.
  const hangUp = () => void reader.cancel().catch(() => {})
  silence.signal.addEventListener('abort', hangUp)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return 'ended'
      clearTimeout(watch)
      watch = setTimeout(() => silence.abort(), SILENCE_MS)
      for (const message of parser.push(decoder.decode(value, { stream: true }))) {
        if (onMessage(message) === false) {
          await reader.cancel()
          return 'again'
        }
      }
    }
  } finally {
    clearTimeout(watch)
  }
}
