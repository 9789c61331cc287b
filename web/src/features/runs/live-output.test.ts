import { expect, test } from 'vitest'
import type { RunEvent } from './api'
import { liveOutput } from './live-output'

function log(...entries: [string, unknown][]): RunEvent[] {
  return entries.map(([kind, payload], index) => ({
    run_id: 'r',
    seq: index + 1,
    ts: '2026-11-21T09:30:00.000Z',
    kind,
    payload,
  }))
}

test('what a step printed is put together from its pieces, those of the last attempt only', () => {
  const events = log(
    ['step_started', { step: 's1', attempt: 1 }],
    ['output', { step: 's1', stream: 'stdout', text: 'first try\n' }],
    ['step_started', { step: 's1', attempt: 2 }],
    ['output', { step: 's1', stream: 'stdout', text: 'half ' }],
    ['output', { step: 's2', stream: 'stdout', text: 'other' }],
    ['output', { step: 's1', stream: 'stderr', text: 'oh' }],
    ['output', { step: 's1', stream: 'stdout', text: 'a line\n' }],
    ['log', null],
  )
  expect(liveOutput(events, 's1')).toEqual([
    { kind: 'stdout', text: 'half a line\n', cut: false },
    { kind: 'stderr', text: 'oh', cut: false },
  ])
  expect(liveOutput(events, 's3')).toEqual([])
})
