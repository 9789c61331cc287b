/**
 * What a search or a list looks at, as it stands in the address and as it is sent. Collections may be several, of
 * everything else there is one.
 */

export const FILTER_FIELDS = [
  'collection',
  'author',
  'source',
  'privacy',
  'since',
  'until',
  'brand_id',
  'product_id',
  'thread_id',
  'project_id',
  'client_id',
  'run_id',
  'agent',
  'language',
  'path',
  'url',
] as const
export type FilterField = (typeof FILTER_FIELDS)[number]

export interface Condition {
  field: FilterField
  value: string
}

/** In the order in which they were set. */
export type Filters = readonly Condition[]

/** In one text: `collection:notes,author:Ann`. What would be read as part of the grammar is escaped. */
export function writeFilters(filters: Filters): string | undefined {
  const text = filters
    .map(({ field, value }) => `${field}:${value.replace(/[%,]/g, (letter) => encodeURIComponent(letter))}`)
    .join(',')
  return text || undefined
}

/** What cannot be read is left out, so that no link can break a page. */
export function readFilters(text: string | undefined): Filters {
  return (text ?? '').split(',').reduce<Filters>((filters, pair) => {
    const [, name, written = ''] = /^([a-z_]+):(.*)$/s.exec(pair) ?? []
    const field = FILTER_FIELDS.find((known) => known === name)
    const value = plain(written)
    return field && value !== null ? addCondition(filters, { field, value }) : filters
  }, [])
}

function plain(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** Adds a condition; one about the same field takes its place, but a further collection stands beside the others. */
export function addCondition(filters: Filters, { field, value: written }: Condition): Filters {
  const value = written.trim()
  if (value === '' || !isFit(field, value)) return filters
  const same = (one: Condition) => one.field === field && (field !== 'collection' || one.value === value)
  const place = filters.findIndex(same)
  if (place < 0) return [...filters, { field, value }]
  return filters.map((one, at) => (at === place ? { field, value } : one))
}

export function removeCondition(filters: Filters, { field, value }: Condition): Filters {
  return filters.filter((one) => one.field !== field || one.value !== value)
}

/** Whether the server could take it. Of ids and names everything is taken as it was typed. */
function isFit(field: FilterField, value: string): boolean {
  if (field === 'privacy') return value === 'shareable'
  if (field === 'since' || field === 'until') {
    return /^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(Date.parse(value))
  }
  return true
}

/** As requests carry it; nothing where everything is looked at. */
export function filterBody(filters: Filters): Record<string, string | string[]> | undefined {
  if (filters.length === 0) return undefined
  const body: Record<string, string | string[]> = {}
  for (const { field, value } of filters) {
    if (field !== 'collection') body[field] = value
    else body.collection = [...(body.collection ?? []), value]
  }
  return body
}

/** As a query parameter carries it. */
export function filterText(filters: Filters): string | undefined {
  const body = filterBody(filters)
  return body && JSON.stringify(body)
}
