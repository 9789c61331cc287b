import { expect, test } from 'vitest'
import { ChatLog, SENDING } from './chat-log'
import { newTurn } from './turn-view'

const turn = (id: string, lastId = 0) => ({ ...newTurn(id, id, [], '2026-11-21T09:30:00Z'), lastId })
const ids = (log: ChatLog) => log.snapshot().map(({ turnId }) => turnId)

test('what events have told in detail stays when the history comes again', () => {
  const log = new ChatLog()
  log.load([turn('a'), turn('b')])
  log.put('b', { ...turn('b', 7), checks: [{ name: 'build', ok: true, text: '' }] })
  log.load([turn('a'), turn('b'), turn('c')])
  expect(ids(log)).toEqual(['a', 'b', 'c'])
  expect(log.get('b')?.lastId).toBe(7)
})

test('a turn that has ended in the server does not go on here', () => {
  const log = new ChatLog()
  log.load([turn('a')])
  log.put('a', turn('a', 3))
  log.load([{ ...turn('a'), status: 'finished' }])
  expect(log.get('a')?.status).toBe('finished')
})

test('a message that replaces one takes it and all later ones away', () => {
  const log = new ChatLog()
  log.load([turn('a'), turn('b'), turn('c')])
  log.begin(turn(SENDING), 'b')
  expect(ids(log)).toEqual(['a', SENDING])
  log.forget(SENDING)
  log.load([turn('a'), turn('b'), turn('c')])
  expect(ids(log)).toEqual(['a', 'b', 'c'])
})

test('what is being sent stays while the history arrives', () => {
  const log = new ChatLog()
  log.begin(turn(SENDING))
  log.load([turn('a')])
  expect(ids(log)).toEqual(['a', SENDING])
})
