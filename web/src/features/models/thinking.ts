/** An answer apart from the thoughts before it. */
export interface Thought {
  thinking: string
  answer: string
}

const OPEN = '<think>'
const CLOSE = '</think>'

/**
 * Parts the thoughts from the answer, where a model writes them into its text: `<think>…</think>` at the beginning,
 * as open models do behind servers that do not know better. While the end of the thoughts has not come yet, all of it
 * is thought.
 */
export function splitThinking(text: string): Thought {
  const start = text.trimStart()
  if (!start.startsWith(OPEN)) {
    // The mark may have come in part only; until it has come whole nothing is known.
    return start !== '' && OPEN.startsWith(start)
      ? { thinking: '', answer: '' }
      : { thinking: '', answer: text }
  }
  const end = start.indexOf(CLOSE)
  if (end < 0) return { thinking: start.slice(OPEN.length).trim(), answer: '' }
  return {
    thinking: start.slice(OPEN.length, end).trim(),
    answer: start.slice(end + CLOSE.length).trimStart(),
  }
}
