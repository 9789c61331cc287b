import { expect, test } from 'vitest'
import { chunkRows } from './chunk-rows'
import type { Chunk } from './wire'

const chunks = (...texts: string[]): Chunk[] =>
  texts.map((text, ordinal) => ({
    number: 100 + ordinal,
    ordinal,
    text,
    headings: [],
    place: null,
    author: null,
    time: null,
  }))
const cutOf = (text: string, all: Chunk[]) =>
  chunkRows(text, all).map((row) => [row.chunk?.ordinal ?? null, row.text])
const rows = (text: string, ...texts: string[]) => cutOf(text, chunks(...texts))

test('the text is cut where its chunks begin and end', () => {
  expect(rows('one two\nthree', 'one two', 'three')).toEqual([
    [0, 'one two'],
    [1, 'three'],
  ])
})

test('white space may differ', () => {
  expect(rows('a\n\n  b  c\n d', 'a b', 'c\nd')).toEqual([
    [0, 'a\n\n  b'],
    [1, 'c\n d'],
  ])
})

test('what is in no chunk keeps its place', () => {
  expect(rows('--- front ---\nbody\n~~~ end', 'body')).toEqual([
    [null, '--- front ---\n'],
    [0, 'body'],
    [null, '\n~~~ end'],
  ])
})

test('a chunk that is not found has a row without text, and the next one is found all the same', () => {
  expect(rows('<b>x</b> rest of it', 'other words', 'rest of it')).toEqual([
    [0, null],
    [null, '<b>x</b> '],
    [1, 'rest of it'],
  ])
})

test('a chunk that is not found is what stands between the others, where its words do', () => {
  expect(rows('one\n{"a":"two"}\nthree', 'one', 'a: two', 'three')).toEqual([
    [0, 'one'],
    [1, '\n{"a":"two"}\n'],
    [2, 'three'],
  ])
})

test('of several that are not found, it is not known which is what', () => {
  const cut = chunkRows('one\n{"a":"two"}\n{"b":"three"}', chunks('one', 'a: two', 'b: three'))
  expect(cut.map(({ chunk, mayBeRead }) => [chunk?.ordinal ?? null, mayBeRead])).toEqual([
    [0, false],
    [1, false],
    [2, false],
    [null, true],
  ])
})

test('a chunk without its markup is found by its lines', () => {
  const text = '# Rich\n\nSome **bold** and a [link](https://example.com).\n\n## List\n\n- *one*\n'
  const all = chunks('Rich\n\nSome bold and a link.', 'List\n\n- one').map((chunk, at) => ({
    ...chunk,
    place: { lines: at === 0 ? { first: 1, last: 3 } : { first: 5, last: 7 } },
  }))
  expect(cutOf(text, all)).toEqual([
    [0, '# Rich\n\nSome **bold** and a [link](https://example.com).'],
    [1, '## List\n\n- *one*'],
  ])
})

test.each([[{ first: 1, last: 9 }], [{ first: 0, last: 0 }], [{ first: 7, last: 8 }]])(
  'lines that cannot be what a chunk was read from are not taken for it: %j',
  (lines) => {
    const [chunk] = chunks('quite other words')
    expect(cutOf('one\ntwo', chunk ? [{ ...chunk, place: { lines } }] : [])).toEqual([
      [0, null],
      [null, 'one\ntwo'],
    ])
  },
)

test('markup between chunks has no row of its own', () => {
  expect(rows('# one\n\n## two\n```\n', 'one', 'two')).toEqual([
    [0, '# one'],
    [1, '\n\n## two\n```\n'],
  ])
})

test('where chunks overlap, each shows what is new in it', () => {
  expect(rows('a b c d e', 'a b c', 'c d e')).toEqual([
    [0, 'a b '],
    [1, 'c d e'],
  ])
})

test('chunks that say the same are found one after the other', () => {
  expect(rows('same. same.', 'same.', 'same.')).toEqual([
    [0, 'same.'],
    [1, 'same.'],
  ])
})

test('no letter of the text is lost or doubled', () => {
  const text = Array.from({ length: 300 }, (_, line) => `line ${line} of it\n`).join('')
  const parts = text.match(/(?:.*\n){1,7}/g) ?? []
  const cut = chunkRows(text, chunks(...parts.map((part) => part.trimEnd())))
  expect(cut.every((row) => row.chunk !== null)).toBe(true)
  const shown = cut.map((row) => row.text).join('')
  expect(shown.replace(/\s/g, '')).toBe(text.replace(/\s/g, ''))
})

test('a document without chunks is all text', () => {
  expect(rows('only text')).toEqual([[null, 'only text']])
  expect(rows('')).toEqual([])
})

// If each chunk were looked for in all of the text, this would take longer than a test may.
test('a long document is cut within a moment, however its white space differs', () => {
  const lines = Array.from({ length: 40_000 }, (_, line) => `The ${line}th line   of a\tlong text.`)
  const parts = Array.from({ length: 5_000 }, (_, at) =>
    lines
      .slice(at * 8, at * 8 + 8)
      .join(' ')
      .replace(/\s+/g, ' '),
  )
  const cut = chunkRows(lines.join('\n'), chunks(...parts))
  expect(cut.filter((row) => row.chunk && row.text)).toHaveLength(5_000)
})
