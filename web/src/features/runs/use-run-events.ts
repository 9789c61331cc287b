import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { followStream, type StreamState } from '@/lib/event-stream'
import { apiUrl, pathOf } from '@/lib/http'
import { throttle } from '@/lib/throttle'
import { isOver, type RunDetail, type RunEvent, runKeys } from './api'
import { RunLog } from './run-log'

const ENDINGS = new Set(['completed', 'failed', 'cancelled'])

/**
 * All events of a run, live. Whatever breaks in between (the page's connection, the server), it goes on after
 * the last number seen. Every event that changes more than the log makes the run itself be fetched again.
 */
export function useRunEvents(run: RunDetail): { events: readonly RunEvent[]; stream: StreamState } {
  const client = useQueryClient()
  const { id } = run
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new run needs a new log
  const log = useMemo(() => new RunLog(), [id])
  const events = useSyncExternalStore(log.subscribe, log.snapshot)
  const [stream, setStream] = useState<StreamState>('connecting')
  const seen = events.at(-1)?.seq ?? 0
  const wanted = !isOver(run.status) || seen < run.last_seq

  useEffect(() => {
    if (!wanted) {
      setStream('closed')
      return
    }
    const stop = new AbortController()
    const refresh = throttle(() => void client.invalidateQueries({ queryKey: runKeys.detail(id) }), 400)
    const url = () => apiUrl(pathOf('runs', id, 'stream'), { after: log.lastSeq || undefined })
    void followStream({
      url,
      lastId: () => (log.lastSeq > 0 ? String(log.lastSeq) : null),
      onMessage(message) {
        const event = parseEvent(message.data)
        if (!event) return
        const arrival = log.add(event)
        if (arrival === 'gap') return false
        if (arrival === 'added' && changesRun(event)) refresh.call()
        return true
      },
      onState: setStream,
      isOver: () => ENDINGS.has(log.lastKind ?? ''),
      signal: stop.signal,
    })
    return () => {
      stop.abort()
      refresh.cancel()
    }
  }, [client, id, log, wanted])

  return { events, stream }
}

/** Output and free remarks are only for the log. */
function changesRun(event: RunEvent): boolean {
  return event.kind !== 'log' && event.kind !== 'output'
}

/** A frame that is no event (a heartbeat, a remark) is passed over. */
export function parseEvent(data: string): RunEvent | null {
  try {
    const event = JSON.parse(data) as RunEvent
    return typeof event?.seq === 'number' && typeof event.kind === 'string' ? event : null
  } catch {
    return null
  }
}
