/** Which words of a text answer a query. */
import type { AnsweredWord } from './wire'

export interface Piece {
  text: string
  isMatch: boolean
  /** Where it begins. */
  at: number
}

/** As words are compared: without case and accents. */
export function folded(word: string): string {
  return word.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

/** The text in pieces, those apart that are among the words found. */
export function piecesOf(text: string, words: readonly AnsweredWord[]): Piece[] {
  const found = new Set(words.flatMap((word) => (word.found ? [folded(word.found)] : [])))
  const pieces: Piece[] = []
  const add = (at: number, end: number, isMatch: boolean) => {
    if (end > at) pieces.push({ text: text.slice(at, end), isMatch, at })
  }
  let from = 0
  for (const { 0: word, index } of text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
    if (!found.has(folded(word))) continue
    add(from, index, false)
    from = index + word.length
    add(index, from, true)
  }
  add(from, text.length, false)
  return pieces
}
