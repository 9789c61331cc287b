import { expect, test, vi } from 'vitest'
import { throttle } from './throttle'

test('many calls become one at once and one afterwards', () => {
  vi.useFakeTimers()
  const run = vi.fn()
  const { call } = throttle(run, 100)
  for (let i = 0; i < 5; i += 1) call()
  expect(run).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(100)
  expect(run).toHaveBeenCalledTimes(2)
  vi.advanceTimersByTime(500)
  expect(run).toHaveBeenCalledTimes(2)
  vi.useRealTimers()
})
