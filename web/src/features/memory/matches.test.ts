import { expect, test } from 'vitest'
import { piecesOf } from './matches'
import type { AnsweredWord } from './wire'

const words = (...found: (string | null)[]): AnsweredWord[] =>
  found.map((one) => ({ sought: 'x', found: one, likeness: 1, weight: 1 }))
const marked = (text: string, ...found: (string | null)[]) =>
  piecesOf(text, words(...found))
    .map(({ text: piece, isMatch }) => (isMatch ? `[${piece}]` : piece))
    .join('')

test.each([
  ['Two invoices, one Invoice.', ['invoices'], 'Two [invoices], one Invoice.'],
  ['São Paulo e SAO', ['sao'], '[São] Paulo e [SAO]'],
  ['nothing here', ['else', null], 'nothing here'],
  ['inside words only', ['in', 'word'], 'inside words only'],
  ['', ['a'], ''],
  ['a<b>a', ['a', 'b'], '[a]<[b]>[a]'],
])('in %j the words %j are marked', (text, found, expected) => {
  expect(marked(text, ...found)).toBe(expected)
  expect(
    piecesOf(text, words(...found))
      .map((piece) => piece.text)
      .join(''),
  ).toBe(text)
})
