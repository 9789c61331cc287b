import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { modelKeys } from './api'
import { newTurn, requestOf, type Settings, type Turn } from './conversation'
import { infer } from './infer'

/** A conversation with one question at a time on its way. It lasts as long as the page. */
export function useConversation(onEnd: (turn: Turn) => void) {
  const client = useQueryClient()
  const [turns, setTurns] = useState<Turn[]>([])
  const running = useRef<AbortController | null>(null)
  const number = useRef(0)
  useEffect(() => () => running.current?.abort(), [])

  async function ask(question: string, settings: Settings, before: readonly Turn[]): Promise<void> {
    running.current?.abort()
    const stop = new AbortController()
    running.current = stop
    number.current += 1
    const began = performance.now()
    let turn = newTurn(number.current, question)
    const show = (change: Partial<Turn>) => {
      turn = { ...turn, ...change }
      setTurns([...before, turn])
    }
    const firstWord = () => turn.first_word_ms ?? performance.now() - began
    show({})
    try {
      const done = await infer(
        requestOf(before, question, settings),
        {
          onText: (piece) => show({ text: turn.text + piece, first_word_ms: firstWord() }),
          onThinking: (piece) => show({ thinking: turn.thinking + piece }),
        },
        stop.signal,
      )
      show({ state: 'answered', text: done.text || turn.text, whole_ms: performance.now() - began, done })
    } catch (error) {
      // Another question, or an empty page, has taken its place.
      if (running.current !== stop) return
      show(stop.signal.aborted ? { state: 'stopped' } : { state: 'failed', error })
    }
    running.current = null
    onEnd(turn)
    void client.invalidateQueries({ queryKey: modelKeys.providers })
  }

  return {
    turns,
    busy: turns.at(-1)?.state === 'answering',
    ask: (question: string, settings: Settings) => void ask(question, settings, turns),
    /** Asks the last question once more, as if it had not been answered. */
    retry: (settings: Settings) => {
      const last = turns.at(-1)
      if (last) void ask(last.question, settings, turns.slice(0, -1))
    },
    stop: () => running.current?.abort(),
    clear: () => {
      running.current?.abort()
      running.current = null
      setTurns([])
    },
  }
}
