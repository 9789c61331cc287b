import { expect, test } from 'vitest'
import { type CollectionForm, changeOf, effectsOf, formOf, problemOf } from './collection-form'
import type { ChangeCollection, Collection } from './wire'

const NOTES: Collection = {
  name: 'notes',
  documents: 2,
  local_documents: 0,
  chunks: 3,
  characters: 900,
  newest: '2026-11-22T12:00:00.000Z',
  privacy: 'shareable',
  embedding: null,
  chunking: { version: 1, max_characters: 600, waiting: 0 },
  settings: { privacy: null, chunk_characters: 600, embedded: null },
}

test.each<[Partial<CollectionForm>, ChangeCollection, string[]]>([
  [{}, {}, []],
  [{ privacy: 'local' }, { privacy: 'local' }, ['raise']],
  [{ length: '' }, { chunk_characters: null }, ['divide']],
  [{ length: ' 600 ' }, {}, []],
  [{ length: '800', embedded: false }, { chunk_characters: 800, embedded: false }, ['divide', 'embedOff']],
])('of %j only what is other is changed', (typed, change, effects) => {
  const form = { ...formOf(NOTES), ...typed }
  expect(changeOf(NOTES, form)).toEqual(change)
  expect(effectsOf(NOTES, form)).toEqual(effects)
})

test('what was set can be taken back', () => {
  const set: Collection = {
    ...NOTES,
    privacy: 'local',
    settings: { privacy: 'local', chunk_characters: null, embedded: false },
  }
  const form: CollectionForm = { ...formOf(set), privacy: 'shareable', embedded: true }
  expect(changeOf(set, form)).toEqual({ privacy: 'shareable', embedded: true })
  expect(effectsOf(set, form)).toEqual(['lower', 'embedOn'])
})

test('a new collection says its label, so that it is there at once', () => {
  expect(changeOf(null, { ...formOf(null), name: 'diary' })).toEqual({ privacy: 'shareable' })
})

test.each<[Partial<CollectionForm>, string | null]>([
  [{}, null],
  [{ name: '' }, 'name'],
  [{ name: 'My Notes' }, 'name'],
  [{ length: '199' }, 'length'],
  [{ length: '4000' }, null],
  [{ length: '4001' }, 'length'],
  [{ length: '1e3' }, 'length'],
])('%j has the problem %s', (typed, problem) => {
  expect(problemOf({ ...formOf(NOTES), ...typed })).toBe(problem)
})
