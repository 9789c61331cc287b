import type { RunEvent } from './api'
import type { StepOutput } from './step-output'

/** More is not kept on screen; the log has all of it. */
const MOST_CHARACTERS = 200_000

/** What the last attempt at a step has printed so far, by the events it came in; a failed step leaves nothing else. */
export function liveOutput(events: readonly RunEvent[], step: string): StepOutput[] {
  let streams = { stdout: '', stderr: '' }
  for (const { kind, payload } of events) {
    const said = (payload ?? {}) as { step?: unknown; stream?: unknown; text?: unknown }
    if (said.step !== step) continue
    if (kind === 'step_started') streams = { stdout: '', stderr: '' }
    if (kind !== 'output' || typeof said.text !== 'string') continue
    streams[said.stream === 'stderr' ? 'stderr' : 'stdout'] += said.text
  }
  return (['stdout', 'stderr'] as const).flatMap((kind) => {
    const text = streams[kind]
    if (text.trim() === '') return []
    return [{ kind, text: text.slice(-MOST_CHARACTERS), cut: text.length > MOST_CHARACTERS }]
  })
}
