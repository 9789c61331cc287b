/** The readable parts of a step's result: what it printed, what it wrote, else the whole as JSON. */
export function outputOf(result: unknown): { name: string; text: string }[] {
  if (result === null || result === undefined) return []
  if (typeof result === 'string') return result ? [{ name: 'result', text: result }] : []
  if (typeof result !== 'object') return [{ name: 'result', text: String(result) }]
  const record = result as Record<string, unknown>
  const printed = ['stdout', 'stderr', 'output', 'summary', 'text'].flatMap((name) => {
    const text = record[name]
    return typeof text === 'string' && text.trim() !== '' ? [{ name, text }] : []
  })
  if (printed.length > 0) return printed
  return Object.keys(record).length === 0 ? [] : [{ name: 'result', text: JSON.stringify(result, null, 2) }]
}
