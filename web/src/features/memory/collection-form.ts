/** What is filled in of how a collection is set up, and what it comes to. */
import type { ChangeCollection, Collection, PrivacyLabel } from './wire'

/** How many characters the longest passage may be set to have. */
export const SHORTEST = 200
export const LONGEST = 4000

const NAME = /^[a-z0-9_-]{1,64}$/

export interface CollectionForm {
  name: string
  privacy: PrivacyLabel
  /** As it was typed; empty for the default. */
  length: string
  embedded: boolean
}

export type FormProblem = 'name' | 'length'

/** What a change will do, in sentences of these names. */
export type Effect = 'raise' | 'lower' | 'divide' | 'embedOff' | 'embedOn'

export function formOf(collection: Collection | null): CollectionForm {
  return {
    name: collection?.name ?? '',
    privacy: collection?.privacy ?? 'shareable',
    length: collection?.settings.chunk_characters?.toString() ?? '',
    embedded: collection?.settings.embedded ?? true,
  }
}

/** The length that was typed; null for the default, undefined where it can be none. */
function readLength(text: string): number | null | undefined {
  const typed = text.trim()
  if (typed === '') return null
  if (!/^\d+$/.test(typed)) return undefined
  const length = Number(typed)
  return length >= SHORTEST && length <= LONGEST ? length : undefined
}

export function problemOf(form: CollectionForm): FormProblem | null {
  if (!NAME.test(form.name.trim())) return 'name'
  return readLength(form.length) === undefined ? 'length' : null
}

/** What is other than before. A new collection says its label, so that it is there before anything is in it. */
export function changeOf(collection: Collection | null, form: CollectionForm): ChangeCollection {
  const before = formOf(collection)
  const change: ChangeCollection = {}
  if (!collection || form.privacy !== before.privacy) change.privacy = form.privacy
  const length = readLength(form.length)
  if (length !== undefined && length !== readLength(before.length)) change.chunk_characters = length
  if (form.embedded !== before.embedded) change.embedded = form.embedded
  return change
}

/** What the change will do to what is stored already. */
export function effectsOf(collection: Collection, form: CollectionForm): Effect[] {
  const change = changeOf(collection, form)
  const effects: Effect[] = []
  if (change.privacy) effects.push(change.privacy === 'local' ? 'raise' : 'lower')
  if (change.chunk_characters !== undefined) effects.push('divide')
  if (change.embedded !== undefined) effects.push(change.embedded ? 'embedOn' : 'embedOff')
  return effects
}
