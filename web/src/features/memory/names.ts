/** What things of memory are called on screen. */
import type { TFunction } from 'i18next'
import { FILTER_FIELDS } from './filters'
import { FEATURES, type Place, type SearchHit } from './wire'

type Say = TFunction<'memory'>

/** A feature that this page does not know yet keeps the name it has on the wire. */
export function featureName(feature: string, t: Say): string {
  const known = FEATURES.find((one) => one === feature)
  return known ? t(`feature.${known}.name`) : feature
}

export function featureMeaning(feature: string, t: Say, said?: string): string {
  const known = FEATURES.find((one) => one === feature)
  return known ? t(`feature.${known}.meaning`) : (said ?? '')
}

const SPANS = ['lines', 'pages', 'paragraphs', 'rows', 'messages', 'events'] as const

/** "lines 3–9"; null where a document has no places, or the chunk is all of it. */
export function placeName(place: Place | null, t: Say): string | null {
  if (!place) return null
  for (const kind of SPANS) {
    const span = place[kind]
    if (!span) continue
    // A table's heading is its row 0, which is no row to a person.
    const [first, last] = [Math.max(1, span.first), Math.max(1, span.last)]
    return first === last ? t(`place.${kind}One`, { first }) : t(`place.${kind}`, { first, last })
  }
  return place.path || null
}

/** What a document belongs to is called as it is where one filters by it. */
export function attributeName(name: string, t: Say): string {
  const field = FILTER_FIELDS.find((one) => one === name)
  return field ? t(`filterField.${field}`) : name
}

/** A document without a title has its key. */
export function titleOf({ title, key }: Pick<SearchHit, 'title' | 'key'>): string {
  return title.trim() || key
}
