/**
 * A document's text cut at the boundaries of its chunks, so that both can stand side by side.
 *
 * Chunks are made of what was read from a document, so their white space and markup may differ from its text. A chunk
 * is looked for a little ahead of where the one before it was found: as it is, without regard to white space, and then
 * by the lines it says it was read from. One that is not found is what stands between those that are, if it is alone
 * there; else it keeps a row with its own words. But for white space nothing of the text is lost, and markup alone has no row.
 */
import type { Chunk } from './wire'

export interface ChunkRow {
  /** A stretch of the text; null where the chunk was not found in it. */
  text: string | null
  /** Null for a stretch that is in no chunk, or of which it is not known in which. */
  chunk: Chunk | null
  /** Whether chunks that were not found stand before it, which may have been read from it. */
  mayBeRead: boolean
}

/** How far ahead a chunk is looked for, beside its own length. */
const AHEAD = 20_000
/** So many of a chunk's words are looked at to see whether a stretch of text is what it was read from. */
const WORDS_COMPARED = 12

interface Stretch {
  start: number
  end: number
}

export function chunkRows(text: string, chunks: readonly Chunk[]): ChunkRow[] {
  const found = placesOf(text, chunks)
  const rows: ChunkRow[] = []
  let shown = 0
  /** Those that were not found since the last one that was. */
  let lost: Chunk[] = []
  const addBetween = (end: number) => {
    const piece = text.slice(shown, end)
    const alone = lost.length === 1 && lost[0] && sharesWords(lost[0].text, piece) ? lost[0] : null
    if (!alone) for (const chunk of lost) rows.push({ text: null, chunk, mayBeRead: false })
    if (hasWords(piece)) {
      rows.push({ text: piece, chunk: alone, mayBeRead: !alone && lost.length > 0 })
      shown = end
    } else if (piece.trim() === '') shown = end
    lost = []
  }
  found.forEach(({ chunk, stretch }, at) => {
    if (!stretch) {
      lost.push(chunk)
      return
    }
    addBetween(Math.max(shown, stretch.start))
    const end = Math.max(shown, Math.min(stretch.end, found[at + 1]?.stretch?.start ?? stretch.end))
    rows.push({ text: text.slice(shown, end), chunk, mayBeRead: false })
    shown = end
  })
  addBetween(text.length)
  // What closes the text, such as the end of a block of code, belongs to what it closes.
  const last = rows.at(-1)
  if (last && last.text !== null) last.text += text.slice(shown)
  return rows
}

/** Where each chunk stands in the text, in their order; null for one that is not found. */
function placesOf(text: string, chunks: readonly Chunk[]): { chunk: Chunk; stretch: Stretch | null }[] {
  const finder = new Finder(text)
  let before: Stretch = { start: -1, end: 0 }
  return [...chunks]
    .sort((one, other) => one.ordinal - other.ordinal)
    .map((chunk) => {
      const stretch =
        finder.find(chunk.text, before.end) ??
        // Chunks may overlap: then the next one begins before this one ends.
        finder.find(chunk.text, before.start + 1) ??
        finder.findLines(chunk, before.end)
      if (stretch) before = stretch
      return { chunk, stretch }
    })
}

function hasWords(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text)
}

/** Whether half of what a chunk begins with stands in a text. */
function sharesWords(chunk: string, text: string): boolean {
  const words = chunk.match(/[\p{L}\p{N}]+/gu)?.slice(0, WORDS_COMPARED) ?? []
  return words.length > 0 && words.filter((word) => text.includes(word)).length >= words.length / 2
}

/** Looks for what chunks are made of. Without its white space a text is only kept once, and only if that is needed. */
class Finder {
  #text: string
  #dense: { text: string; places: Uint32Array } | undefined
  /** Where each line begins, and the end of the last one. */
  #lines: number[] | undefined

  constructor(text: string) {
    this.#text = text
  }

  find(sought: string, from: number): Stretch | null {
    const wanted = sought.replace(/\s+/g, '')
    if (wanted === '') return null
    const exact = this.#text.slice(from, from + sought.length + AHEAD).indexOf(sought)
    if (exact >= 0) return { start: from + exact, end: from + exact + sought.length }
    this.#dense ??= withoutSpace(this.#text)
    const { text, places } = this.#dense
    const begin = firstFrom(places, from)
    const at = text.slice(begin, begin + wanted.length + AHEAD).indexOf(wanted)
    const [first, last] = [places[begin + at], places[begin + at + wanted.length - 1]]
    return at < 0 || first === undefined || last === undefined ? null : { start: first, end: last + 1 }
  }

  /** By the lines that a chunk says it was read from, if its words stand there. */
  findLines({ text, place }: Chunk, from: number): Stretch | null {
    if (!place?.lines) return null
    this.#lines ??= lineStarts(this.#text)
    const [first, after] = [this.#lines[place.lines.first - 1], this.#lines[place.lines.last]]
    if (first === undefined || after === undefined) return null
    const stretch = { start: Math.max(from, first), end: after - 1 }
    return sharesWords(text, this.#text.slice(stretch.start, stretch.end)) ? stretch : null
  }
}

/** Where each line of a text begins, and where one after the last would. */
function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return [...starts, text.length + 1]
}

/** What is left of a text without its white space, and where each of it stood. */
function withoutSpace(text: string): { text: string; places: Uint32Array } {
  const places = new Uint32Array(text.length)
  let count = 0
  for (const { 0: word, index } of text.matchAll(/\S+/g)) {
    for (let at = index; at < index + word.length; at += 1) {
      places[count] = at
      count += 1
    }
  }
  return { text: text.replace(/\s+/g, ''), places: places.subarray(0, count) }
}

/** The first of these rising places that is not before another. */
function firstFrom(places: Uint32Array, place: number): number {
  let [low, high] = [0, places.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((places[middle] ?? 0) < place) low = middle + 1
    else high = middle
  }
  return low
}
