/** The shapes of memory on the wire: those of the interface, and those that it leaves open. */
import type * as wire from '@/lib/wire'

export type {
  AnsweredWord,
  ChangeCollection,
  ChangeDocument,
  Collection,
  ContextPack,
  CutReason,
  FeatureWeight,
  IngestedDocument,
  MemoryDocument,
  MemoryIndex,
  MemoryLogEntry,
  MemoryStats,
  PackEntry,
  PrivacyLabel,
  Rank,
  ScorePart,
} from '@/lib/wire'

/** What a score is made of, in the server's order, in which the parts are shown. */
export const FEATURES = [
  'similarity',
  'neighbours',
  'words',
  'keyword',
  'window',
  'document',
  'alone',
  'author',
  'first',
  'asks',
  'date',
  'when',
  'number',
  'name',
  'recency',
] as const
export type Feature = (typeof FEATURES)[number]

export const PRIVACY_LABELS = ['shareable', 'local'] as const satisfies readonly wire.PrivacyLabel[]

type Span = { first: number; last: number }

/** Where something stands in a document: one of these has a value. Numbers are from 1, and `last` is included. */
export interface Place {
  lines?: Span
  pages?: Span
  paragraphs?: Span
  rows?: Span
  messages?: Span
  events?: Span
  /** As `users[3].name`; empty for the whole. */
  path?: string
}

/** Some of a shape is more exactly known here than the interface says it. */
type With<Shape, Known> = Omit<Shape, keyof Known> & Known
/** What a hit must have; several values where any of them will do. */
type Wanted = Record<string, string | string[]>

export type Chunk = With<wire.Chunk, { place: Place | null }>
/** A chunk that stands beside a hit. */
export type Neighbour = With<wire.Neighbour, { place: Place | null }>
export type SearchHit = With<wire.SearchHit, { place: Place | null; before: Neighbour[]; after: Neighbour[] }>
export type SearchAnswer = With<wire.SearchAnswer, { items: SearchHit[] }>
export type SearchRequest = With<wire.SearchRequest, { filters?: Wanted }>
export type PackRequest = With<wire.PackRequest, { filters?: Wanted }>
/** A document that was asked for alone. */
export type DocumentWithText = With<wire.MemoryDocument, { text: string }>

export const EXPORT_FORMATS = ['jsonl', 'markdown'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]
