/** What of memory stands in the address. Each is read further where it is needed; see `settings.ts`, `filters.ts`. */

export const SEARCH_FIELDS = ['q', 'f', 'a', 'b', 'hit', 'pack'] as const

/**
 * The query, its filters, the settings of A, those of B where two are compared, the chunk whose score is explained,
 * and the budget of the context pack that is looked at.
 */
export type SearchViewState = Partial<Record<(typeof SEARCH_FIELDS)[number], string>>

export const COLLECTION_FIELDS = ['f'] as const
export type CollectionViewState = Partial<Record<(typeof COLLECTION_FIELDS)[number], string>>

export const DOCUMENT_FIELDS = ['chunk'] as const
/** The number of the chunk to go to. */
export type DocumentViewState = Partial<Record<(typeof DOCUMENT_FIELDS)[number], string>>

export const LOG_KINDS = ['decisions', 'errors'] as const
export type LogKind = (typeof LOG_KINDS)[number]

/** Which of the two logs, the decisions if it is not said, and what is looked for in it. */
export interface LogViewState {
  kind?: LogKind
  q?: string
}

export const IMPORT_FIELDS = ['to'] as const
/** The collection to import into. */
export type ImportViewState = Partial<Record<(typeof IMPORT_FIELDS)[number], string>>
