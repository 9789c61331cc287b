import { useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { backoff, sleep } from '@/lib/backoff'
import { connection } from '@/lib/connection'
import { logsUrl } from './api'
import { LogBook, type LogRow, parseFrame } from './log-book'

export type LogState = 'connecting' | 'open' | 'reconnecting'

/** Follows the logs of a session. A lost connection is taken up again; nothing comes twice. */
export function useLogs(id: string): { rows: readonly LogRow[]; state: LogState; clear: () => void } {
  // biome-ignore lint/correctness/useExhaustiveDependencies: another session needs another book
  const book = useMemo(() => new LogBook(), [id])
  const rows = useSyncExternalStore(book.subscribe, book.snapshot)
  const [state, setState] = useState<LogState>('connecting')

  useEffect(() => {
    const stop = new AbortController()
    void followLogs(id, book, setState, stop.signal)
    return () => stop.abort()
  }, [id, book])

  return { rows, state, clear: () => book.clear() }
}

async function followLogs(
  id: string,
  book: LogBook,
  onState: (state: LogState) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    await readOnce(id, book, signal, () => {
      failures = 0
      onState('open')
    })
    if (signal.aborted) return
    onState('reconnecting')
    await sleep(backoff(failures, 8_000), signal)
    await connection.whenConnected(signal)
  }
}

function readOnce(id: string, book: LogBook, signal: AbortSignal, onOpen: () => void): Promise<void> {
  return new Promise((resolve) => {
    const socket = new WebSocket(logsUrl(id))
    const leave = () => socket.close()
    signal.addEventListener('abort', leave)
    socket.onopen = () => {
      book.connected()
      onOpen()
    }
    socket.onmessage = (message) => {
      const frame = parseFrame(message.data)
      if (frame) book.add(frame)
    }
    socket.onclose = () => {
      signal.removeEventListener('abort', leave)
      resolve()
    }
  })
}
