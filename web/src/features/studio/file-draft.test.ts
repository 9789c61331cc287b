import { expect, test } from 'vitest'
import { standingOf } from './file-draft'

const file = { content: 'new', version: 'v2' }

test('without a draft a file is what the server has', () => {
  expect(standingOf(file, null)).toEqual({ text: 'new', base: 'v2', isChanged: false, conflict: null })
})

test('a draft of what is there is a change', () => {
  const standing = standingOf(file, { text: 'mine', version: 'v2' })
  expect(standing).toEqual({ text: 'mine', base: 'v2', isChanged: true, conflict: null })
})

test('a draft of what was there before is a conflict', () => {
  expect(standingOf(file, { text: 'mine', version: 'v1' })).toMatchObject({ base: 'v1', conflict: 'changed' })
})

test('two who wrote the same do not disagree', () => {
  expect(standingOf(file, { text: 'new', version: 'v1' })).toMatchObject({ isChanged: false, conflict: null })
})

test('a draft outlives its file', () => {
  const standing = standingOf(null, { text: 'mine', version: 'v1' })
  expect(standing).toEqual({ text: 'mine', base: '', isChanged: true, conflict: 'gone' })
})
