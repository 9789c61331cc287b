import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HELD_MS, HeldDeletes, isThere } from './held-deletes'

const remove = vi.fn(async (_id: string, _isLeaving: boolean): Promise<unknown> => undefined)

beforeEach(() => {
  vi.useFakeTimers()
  remove.mockReset().mockResolvedValue(undefined)
})
afterEach(() => {
  vi.useRealTimers()
})

const document = (id: string) => ({ id, title: id })

test('what is deleted is held for a while, and gone from sight meanwhile', async () => {
  const held = new HeldDeletes()
  held.add(document('a'), remove)
  expect(isThere(held.current(), 'a')).toBe(false)
  expect(isThere(held.current(), 'b')).toBe(true)
  await vi.advanceTimersByTimeAsync(HELD_MS - 1)
  expect(remove).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  expect(remove.mock.calls).toEqual([['a', false]])
  expect(held.current()).toEqual([])
})

test('what is taken back is never deleted', async () => {
  const held = new HeldDeletes()
  held.add(document('a'), remove)
  held.add(document('b'), remove)
  held.undo('a')
  await vi.advanceTimersByTimeAsync(HELD_MS * 2)
  expect(remove.mock.calls).toEqual([['b', false]])
})

test('it waits while its notice is looked at', async () => {
  const held = new HeldDeletes()
  held.add(document('a'), remove)
  held.pause('a')
  await vi.advanceTimersByTimeAsync(HELD_MS * 3)
  expect(remove).not.toHaveBeenCalled()
  held.resume('a')
  await vi.advanceTimersByTimeAsync(HELD_MS)
  expect(remove).toHaveBeenCalledTimes(1)
})

test('what is still held when the page is left is deleted then, once', async () => {
  const held = new HeldDeletes()
  held.add(document('a'), remove)
  held.leave()
  held.leave()
  await vi.advanceTimersByTimeAsync(HELD_MS * 2)
  expect(remove.mock.calls).toEqual([['a', true]])
})

test('what could not be deleted is there again, and says why', async () => {
  remove.mockRejectedValue(new Error('no'))
  const held = new HeldDeletes()
  const heard = vi.fn()
  held.subscribe(heard)
  held.add(document('a'), remove)
  await vi.advanceTimersByTimeAsync(HELD_MS)
  expect(isThere(held.current(), 'a')).toBe(true)
  expect(held.current()[0]?.error).toBeInstanceOf(Error)
  held.undo('a')
  expect(held.current()).toEqual([])
  expect(heard).toHaveBeenCalledTimes(3)
})
