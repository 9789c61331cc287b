import { expect, test } from 'vitest'
import { ACCEPTED_FILES, collectionNameOf, isCollectionName } from './import-files'

test.each([
  ['notes', 'notes'],
  ['My Notes', 'my-notes'],
  ['Reuniões 2026/11', 'reunioes-2026-11'],
  ['a_b-c', 'a_b-c'],
  ['x'.repeat(80), 'x'.repeat(64)],
])('%s becomes the collection %s', (typed, name) => {
  expect(collectionNameOf(typed)).toBe(name)
  expect(isCollectionName(name)).toBe(true)
})

test('an empty name is none', () => {
  expect(isCollectionName(collectionNameOf(''))).toBe(false)
})

test('the file chooser offers what can be read', () => {
  const kinds = ACCEPTED_FILES.split(',')
  for (const kind of [
    'md',
    'txt',
    'html',
    'pdf',
    'docx',
    'csv',
    'json',
    'jsonl',
    'eml',
    'ics',
    'zip',
    'rs',
  ]) {
    expect(kinds).toContain(`.${kind}`)
  }
})
