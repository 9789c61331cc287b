import { expect, test } from 'vitest'
import { AT_ONCE, hasFailed, type SendFile, UploadQueue } from './upload-queue'
import type { IngestedDocument } from './wire'

interface Attempt {
  name: string
  target: string
  onSent: (share: number) => void
  signal: AbortSignal
  answer: (outcomes: IngestedDocument[]) => void
  refuse: (error: unknown) => void
}

/** A queue whose requests are answered by hand. */
function begin(...names: string[]) {
  const attempts: Attempt[] = []
  const send: SendFile<string> = (file, target, onSent, signal) =>
    new Promise((answer, refuse) => {
      attempts.push({ name: file.name, target, onSent, signal, answer, refuse })
    })
  const queue = new UploadQueue(send)
  queue.add(
    names.map((name) => new File(['text'], name)),
    'notes',
  )
  const states = () => queue.current().map(({ state }) => state)
  const attempt = (at: number) => attempts[at] as Attempt
  return { queue, attempts, attempt, states }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0))
const taken = (name: string): IngestedDocument[] => [
  { name, state: 'new', id: 'doc_1', collection: 'notes', title: name, chunks: 2, changed_chunks: 2 },
]

test('three go at a time, and the next one when one is done', async () => {
  const { attempts, attempt, states } = begin('a', 'b', 'c', 'd', 'e')
  expect(attempts.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  expect(states().filter((state) => state === 'sending')).toHaveLength(AT_ONCE)
  attempt(1).answer(taken('b'))
  await settled()
  expect(attempts.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd'])
  expect(states()).toEqual(['sending', 'done', 'sending', 'sending', 'waiting'])
})

test('a file that is sent whole is being read', () => {
  const { queue, attempt, states } = begin('a')
  attempt(0).onSent(0.5)
  expect([states(), queue.current()[0]?.sent]).toEqual([['sending'], 0.5])
  attempt(0).onSent(1)
  expect(states()).toEqual(['reading'])
})

test('one that fails holds up none of the others, and may be tried again', async () => {
  const { queue, attempts, attempt, states } = begin('a', 'b', 'c', 'd')
  attempt(0).refuse(new Error('no'))
  await settled()
  expect(states()).toEqual(['failed', 'sending', 'sending', 'sending'])
  queue.retry(1)
  expect(states()).toEqual(['waiting', 'sending', 'sending', 'sending'])
  attempt(3).answer(taken('d'))
  await settled()
  expect(attempts.at(-1)?.name).toBe('a')
  attempts.at(-1)?.answer(taken('a'))
  await settled()
  expect(queue.current()[0]).toMatchObject({ state: 'done', error: null, outcomes: taken('a') })
})

test('what is stopped gives its place to the next, and what it still says counts for nothing', async () => {
  const { queue, attempts, attempt, states } = begin('a', 'b', 'c', 'd')
  queue.cancel(1)
  expect(attempt(0).signal.aborted).toBe(true)
  expect(attempts.at(-1)?.name).toBe('d')
  queue.cancel(4)
  queue.retry(1)
  expect(attempts.at(-1)?.name).toBe('a')
  attempt(0).onSent(1)
  attempt(0).refuse(new Error('aborted'))
  await settled()
  expect(states()).toEqual(['sending', 'sending', 'sending', 'cancelled'])
})

test('later files go where it was said when they were chosen', async () => {
  const { queue, attempt, attempts } = begin('a')
  queue.add([new File(['text'], 'b')], 'mail')
  expect(attempts.map(({ target }) => target)).toEqual(['notes', 'mail'])
  attempt(0).answer(taken('a'))
  await settled()
  queue.clear()
  expect(queue.current().map(({ name }) => name)).toEqual(['b'])
})

test('listeners hear of each change, until they leave', () => {
  const { queue, attempt } = begin('a')
  let heard = 0
  const leave = queue.subscribe(() => {
    heard += 1
  })
  attempt(0).onSent(0.1)
  leave()
  attempt(0).onSent(0.2)
  expect(heard).toBe(1)
})

test('an upload of which a part was not taken has failed in part', async () => {
  const { queue, attempt } = begin('a.zip')
  const error = { code: 'extract_unreadable', message: 'It cannot be read.', hint: null }
  const none = { id: null, collection: null, chunks: 0, changed_chunks: 0 }
  attempt(0).answer([...taken('x.md'), { ...none, name: 'y.pdf', title: 'y.pdf', state: 'failed', error }])
  await settled()
  expect(queue.current().map((upload) => [upload.state, hasFailed(upload)])).toEqual([['done', true]])
})
