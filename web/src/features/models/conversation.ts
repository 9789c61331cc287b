import type { Infer, Inference } from './infer'

/** One question and what came of it. */
export interface Turn {
  id: number
  question: string
  /** What has arrived of the answer; the end of it stands in `done`. */
  text: string
  thinking: string
  state: 'answering' | 'answered' | 'stopped' | 'failed'
  /** From the question to the first word on screen, as it was here. */
  first_word_ms: number | null
  /** From the question to the end of the answer, as it was here. */
  whole_ms: number | null
  done: Inference | null
  error: unknown
}

export interface Settings {
  system: string
  model: string
  policy: string
  local: boolean
  temperature: string
  max_tokens: string
}

export function newTurn(id: number, question: string): Turn {
  return {
    id,
    question,
    text: '',
    thinking: '',
    state: 'answering',
    first_word_ms: null,
    whole_ms: null,
    done: null,
    error: null,
  }
}

/** What to send: the instructions, what was said before, and the question. Of turns that failed nothing is said. */
export function requestOf(turns: readonly Turn[], question: string, settings: Settings): Infer {
  const said = turns
    .filter((turn) => turn.state !== 'failed' && turn.text.trim() !== '')
    .flatMap((turn) => [
      { role: 'user' as const, content: turn.question },
      { role: 'assistant' as const, content: turn.text },
    ])
  const system = settings.system.trim()
  return {
    input: [
      ...(system ? [{ role: 'system' as const, content: system }] : []),
      ...said,
      { role: 'user' as const, content: question },
    ],
    model: settings.model.trim() || undefined,
    policyOverride: (settings.policy || undefined) as Infer['policyOverride'],
    privacy: settings.local ? 'local' : undefined,
    params: { temperature: numberOf(settings.temperature), max_tokens: numberOf(settings.max_tokens) },
  }
}

function numberOf(text: string): number | undefined {
  return text.trim() === '' ? undefined : Number(text)
}
