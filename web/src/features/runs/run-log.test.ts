import { expect, test, vi } from 'vitest'
import type { RunEvent } from './api'
import { RunLog } from './run-log'

function event(seq: number): RunEvent {
  return { run_id: 'run_1', seq, ts: '2026-01-01T00:00:00.000Z', kind: 'log', payload: {} }
}

test('an event that comes twice is kept once', () => {
  const log = new RunLog()
  expect(log.add(event(1))).toBe('added')
  expect(log.add(event(1))).toBe('known')
  expect(log.add(event(2))).toBe('added')
  expect(log.lastSeq).toBe(2)
})

test('a hole is asked for again before it is accepted', () => {
  const log = new RunLog()
  log.add(event(1))
  expect(log.add(event(4))).toBe('gap')
  expect(log.lastSeq).toBe(1)
  expect(log.add(event(2))).toBe('added')
  expect(log.add(event(3))).toBe('added')
  expect(log.add(event(4))).toBe('added')
})

test('a hole that the server really has does not stop the log for ever', () => {
  const log = new RunLog()
  log.add(event(1))
  expect(log.add(event(4))).toBe('gap')
  expect(log.add(event(4))).toBe('added')
})

test('the screen is told once for many events', () => {
  vi.useFakeTimers()
  const log = new RunLog()
  const listener = vi.fn()
  log.subscribe(listener)
  for (let seq = 1; seq <= 500; seq += 1) log.add(event(seq))
  expect(log.snapshot()).toHaveLength(0)
  vi.advanceTimersByTime(100)
  expect(listener).toHaveBeenCalledTimes(1)
  expect(log.snapshot()).toHaveLength(500)
  expect(log.snapshot()).toBe(log.snapshot())
  vi.useRealTimers()
})
