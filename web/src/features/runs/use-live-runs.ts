import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { followStream } from '@/lib/event-stream'
import { apiUrl } from '@/lib/http'
import { throttle } from '@/lib/throttle'
import { runKeys } from './api'
import { parseEvent } from './use-run-events'

/**
 * Keeps every list of runs current, from the stream of all events. The stream has no memory: after a break the
 * lists are simply fetched again.
 */
export function useLiveRuns(): void {
  const client = useQueryClient()
  useEffect(() => {
    const stop = new AbortController()
    const touched = new Set<string>()
    let broken = false
    const refresh = throttle(() => {
      void client.invalidateQueries({ queryKey: runKeys.lists })
      for (const id of touched) void client.invalidateQueries({ queryKey: runKeys.detail(id) })
      touched.clear()
    }, 1_000)
    void followStream({
      url: () => apiUrl('/events'),
      onMessage(message) {
        const event = parseEvent(message.data)
        if (event && event.kind !== 'log' && event.kind !== 'output') {
          touched.add(event.run_id)
          refresh.call()
        }
        return true
      },
      onState(state) {
        if (state === 'open' && broken) void client.invalidateQueries({ queryKey: runKeys.all })
        broken = state === 'reconnecting'
      },
      signal: stop.signal,
    })
    return () => {
      stop.abort()
      refresh.cancel()
    }
  }, [client])
}
