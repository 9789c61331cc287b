/** What a previewed page tells of itself. The server puts a script into it that does so. */
export interface PreviewProblem {
  level: 'error' | 'warning'
  message: string
  stack: string | null
  /** How often it has come. */
  count: number
}

const MOST_PROBLEMS = 100

export type PreviewMessage =
  | { kind: 'problem'; level: 'error' | 'warning'; message: string; stack: string | null }
  | { kind: 'location'; path: string }

/** Reads a message of the previewed page. It comes from a program nobody has vouched for, so anything may be in it. */
export function readPreviewMessage(data: unknown): PreviewMessage | null {
  if (typeof data !== 'object' || data === null) return null
  const fields = data as Record<string, unknown>
  if (fields.source !== 'atelier-preview') return null
  if (fields.kind === 'page' && typeof fields.url === 'string') {
    return { kind: 'location', path: fields.url.slice(0, 2_000) }
  }
  if (fields.kind !== 'error' && fields.kind !== 'console') return null
  const level = fields.kind === 'error' || fields.level === 'error' ? 'error' : levelOf(fields.level)
  if (level === null || typeof fields.message !== 'string') return null
  const where = [fields.stack, fields.at].find((text) => typeof text === 'string')
  const stack = typeof where === 'string' ? where.slice(0, 10_000) : null
  return { kind: 'problem', level, message: fields.message.slice(0, 4_000), stack }
}

function levelOf(level: unknown): 'warning' | null {
  return level === 'warn' || level === 'warning' ? 'warning' : null
}

/** The problems after one more; the same one again is counted. */
export function addProblem(
  problems: readonly PreviewProblem[],
  { level, message, stack }: { level: PreviewProblem['level']; message: string; stack: string | null },
): PreviewProblem[] {
  const known = problems.findIndex((one) => one.level === level && one.message === message)
  if (known >= 0) {
    return problems.map((one, at) => (at === known ? { ...one, count: one.count + 1 } : one))
  }
  return [...problems, { level, message, stack, count: 1 }].slice(-MOST_PROBLEMS)
}

/** The address of a page of the app: with the token that lets one in. Null for one that is elsewhere. */
export function previewAddress(previewUrl: string, path: string): string | null {
  try {
    const base = new URL(previewUrl)
    const url = new URL(path.startsWith('/') || /^[a-z]+:/i.test(path) ? path : `/${path}`, base.origin)
    if (url.origin !== base.origin) return null
    for (const [name, value] of base.searchParams) url.searchParams.set(name, value)
    return url.href
  } catch {
    return null
  }
}
