import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { followStream, type StreamState } from '@/lib/event-stream'
import { send as request } from '@/lib/http'
import { throttle } from '@/lib/throttle'
import {
  cancelTurn,
  decideGate,
  type GateAnswer,
  historyQuery,
  messagesPath,
  refreshProject,
  studioKeys,
  turnStreamUrl,
} from './api'
import { ChatLog, SENDING, takeEvent } from './chat-log'
import { isOver, newTurn, parseTurnEvent, type TurnView, turnsOf } from './turn-view'
import type { SendMessage, TurnEvent } from './wire'

export interface Chat {
  turns: readonly TurnView[]
  busy: boolean
  isLoading: boolean
  loadError: unknown
  reload: () => void
  stream: StreamState
  /** What went wrong with the last thing that was asked of the server. */
  error: unknown
  dismissError: () => void
  /** Sends a message; false if the server did not take it. */
  send: (message: SendMessage) => Promise<boolean>
  stop: () => void
  decide: (turnId: string, answer: GateAnswer) => Promise<boolean>
}

/**
 * The conversation of a session. A turn goes on in the server whatever happens here, so after a reload or a lost
 * connection its events are read again from the last number seen.
 */
export function useChat(id: string, onEnd: (turn: TurnView) => void): Chat {
  const client = useQueryClient()
  const history = useQuery(historyQuery(id))
  // biome-ignore lint/correctness/useExhaustiveDependencies: another session needs another log
  const log = useMemo(() => new ChatLog(), [id])
  const turns = useSyncExternalStore(log.subscribe, log.snapshot)
  const [stream, setStream] = useState<StreamState>('closed')
  const [error, setError] = useState<unknown>(null)
  const following = useRef<{ turnId: string; stop: AbortController } | null>(null)
  const ended = useRef(onEnd)
  ended.current = onEnd

  const refresh = useMemo(() => throttle(() => void refreshProject(client, id), 1_000), [client, id])
  useEffect(() => refresh.cancel, [refresh])

  const follow = useCallback(
    async (turnId: string, first?: Response) => {
      following.current?.stop.abort()
      const current = { turnId, stop: new AbortController() }
      following.current = current
      let turn = log.get(turnId)
      if (!turn) return
      // What the history told of it is told again by its events, in more detail.
      if (turn.lastId === 0) {
        const { question, attachments, startedAt, model, checkpoint } = turn
        turn = { ...newTurn(turnId, question, attachments, startedAt), model, checkpoint }
      }
      const wasOver = isOver(log.get(turnId) ?? turn)
      const take = (number: number, event: TurnEvent) => {
        if (!turn) return
        const before = current.turnId
        turn = takeEvent(turn, number, event)
        current.turnId = turn.turnId
        log.put(before, turn)
        if (!wasOver && (event.kind === 'tool_result' || event.kind === 'done')) refresh.call()
        if (!wasOver && event.kind === 'done') ended.current(turn)
      }
      await followStream({
        first,
        url: () => turnStreamUrl(id, current.turnId === SENDING ? undefined : current.turnId),
        lastId: () => (turn && turn.lastId > 0 ? String(turn.lastId) : null),
        onMessage(message) {
          const event = parseTurnEvent(message.event, message.data)
          const number = Number(message.id)
          if (event && number > 0) take(number, event)
          return true
        },
        onState(state) {
          if (following.current !== current) return
          setStream(state)
          if (state === 'reconnecting') void client.invalidateQueries({ queryKey: studioKeys.history(id) })
        },
        // The end may also have come with the history, while the line was lost.
        isOver: () => isOver(log.get(current.turnId) ?? newTurn('', '', [], '')),
        signal: current.stop.signal,
      })
      if (following.current !== current) return
      following.current = null
      void client.invalidateQueries({ queryKey: studioKeys.history(id) })
    },
    [client, id, log, refresh],
  )

  useEffect(
    () => () => {
      following.current?.stop.abort()
      following.current = null
    },
    [],
  )

  useEffect(() => {
    if (!history.data) return
    log.load(turnsOf(history.data))
    const newest = log.snapshot().at(-1)
    if (!newest || following.current || newest.turnId === SENDING) return
    if (newest.lastId === 0 || !isOver(newest)) void follow(newest.turnId)
  }, [history.data, log, follow])

  async function send(message: SendMessage): Promise<boolean> {
    setError(null)
    const names = (message.attachments ?? []).map((file) => file.name)
    following.current?.stop.abort()
    following.current = null
    log.begin(newTurn(SENDING, message.text, names, new Date().toISOString()), message.replaces ?? undefined)
    try {
      const response = await request(messagesPath(id), {
        method: 'POST',
        body: message,
        headers: { accept: 'text/event-stream' },
      })
      void follow(SENDING, response)
      return true
    } catch (failure) {
      log.forget(SENDING)
      setError(failure)
      // Also puts back the turns that were to be replaced.
      await history.refetch().then(({ data }) => data && log.load(turnsOf(data)))
      return false
    }
  }

  async function attempt(action: () => Promise<unknown>): Promise<boolean> {
    setError(null)
    try {
      await action()
      return true
    } catch (failure) {
      setError(failure)
      return false
    }
  }

  const last = turns.at(-1)
  const busy = last !== undefined && !isOver(last)
  return {
    turns,
    busy,
    isLoading: history.isPending,
    loadError: history.data ? null : history.error,
    reload: () => void history.refetch(),
    stream,
    error,
    dismissError: () => setError(null),
    send,
    stop: () => {
      if (last && busy && last.turnId !== SENDING) void attempt(() => cancelTurn(last.turnId))
    },
    decide: (turnId, answer) => attempt(() => decideGate(turnId, answer)),
  }
}
