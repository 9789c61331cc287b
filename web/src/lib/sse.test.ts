import { expect, test } from 'vitest'
import { type SseMessage, SseParser } from './sse'

function check(input: string, expected: SseMessage[]): void {
  for (const size of [1, 3, input.length]) {
    const parser = new SseParser()
    const messages: SseMessage[] = []
    for (let at = 0; at < input.length; at += size) messages.push(...parser.push(input.slice(at, at + size)))
    expect(messages, `in chunks of ${size}`).toEqual(expected)
  }
}

test('an event carries its number, its kind and its data', () => {
  check('id: 7\nevent: log\ndata: {"a":1}\n\n', [{ id: '7', event: 'log', data: '{"a":1}' }])
})

test('heartbeats are no events', () => {
  check(': heartbeat\n\n:\n\ndata: x\n\n', [{ id: null, event: 'message', data: 'x' }])
})

test('lines may end in LF, CR LF or CR', () => {
  check('data: a\r\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n', [
    { id: null, event: 'message', data: 'a\nb' },
    { id: null, event: 'message', data: 'c' },
    { id: null, event: 'message', data: 'd' },
  ])
})

test('an event that was cut off before its end is not delivered', () => {
  check('data: whole\n\ndata: half', [{ id: null, event: 'message', data: 'whole' }])
})

test('the number stays until another one comes, the kind does not', () => {
  check('id: 1\nevent: log\ndata: a\n\ndata: b\n\n', [
    { id: '1', event: 'log', data: 'a' },
    { id: '1', event: 'message', data: 'b' },
  ])
})
