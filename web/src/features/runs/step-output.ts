export interface StepOutput {
  kind: 'stdout' | 'stderr' | 'result'
  text: string
  /** Only its beginning was kept. */
  cut: boolean
}

type Fields = Record<string, unknown>

/** The readable parts of a step's result: what it printed, wrote or found, else the whole as JSON. */
export function outputOf(result: unknown): StepOutput[] {
  if (result === null || result === undefined) return []
  if (Array.isArray(result)) return hitsOf(result) ?? whole(result)
  if (!isFields(result)) return said(String(result))
  if (isFields(result.execution)) return printed(result.execution)
  const streams = printed(result)
  if (streams.length > 0) return streams
  for (const name of ['summary', 'text', 'output']) {
    const text = result[name]
    if (typeof text === 'string') return said(text)
  }
  return (Array.isArray(result.hits) ? hitsOf(result.hits) : null) ?? whole(result)
}

function printed(streams: Fields): StepOutput[] {
  return (['stdout', 'stderr'] as const).flatMap((kind) => {
    const text = streams[kind]
    if (typeof text !== 'string' || text.trim() === '') return []
    return [{ kind, text, cut: streams[`${kind}_truncated`] === true }]
  })
}

/** What memory found: titles, and below each the passage. */
function hitsOf(hits: unknown[]): StepOutput[] | null {
  const texts = hits.map((hit) => {
    if (!isFields(hit) || typeof hit.title !== 'string') return null
    return typeof hit.snippet === 'string' ? `${hit.title}\n${hit.snippet.trim()}` : hit.title
  })
  return texts.every((text) => text !== null) ? said(texts.join('\n\n')) : null
}

function said(text: string): StepOutput[] {
  return text.trim() === '' ? [] : [{ kind: 'result', text, cut: false }]
}

function whole(result: object): StepOutput[] {
  return Object.keys(result).length === 0 ? [] : said(JSON.stringify(result, null, 2))
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
