/** Everything that is asked of memory. */
import {
  infiniteQueryOptions,
  keepPreviousData,
  type QueryClient,
  queryOptions,
  useMutation,
  useQueryClient,
} from '@tanstack/react-query'
import { connection } from '@/lib/connection'
import { apiUrl, getJson, type Page, pathOf, send } from '@/lib/http'
import { errorFrom, NetworkError } from '@/lib/problem'
import { type Filters, filterBody, filterText } from './filters'
import type { Settings } from './settings'
import type { UploadQueue } from './upload-queue'
import type { LogKind } from './views'
import type {
  ChangeCollection,
  ChangeDocument,
  Chunk,
  Collection,
  ContextPack,
  DocumentWithText,
  ExportFormat,
  FeatureWeight,
  IngestedDocument,
  MemoryDocument,
  MemoryIndex,
  MemoryLogEntry,
  MemoryStats,
  PackRequest,
  PrivacyLabel,
  SearchAnswer,
  SearchRequest,
} from './wire'

export const memoryKeys = {
  all: ['memory'] as const,
  search: ['memory', 'search'] as const,
  weights: ['memory', 'weights'] as const,
  packs: ['memory', 'packs'] as const,
  collections: ['memory', 'collections'] as const,
  documents: ['memory', 'documents'] as const,
  document: (id: string) => ['memory', 'document', id] as const,
  chunks: (id: string) => ['memory', 'document', id, 'chunks'] as const,
  logs: ['memory', 'logs'] as const,
  index: ['memory', 'index'] as const,
  stats: ['memory', 'stats'] as const,
}

/** The last answer stays while the next one is on its way. */
export function searchQuery(query: string, filters: Filters, settings: Settings) {
  const { topK, neighbours, rerank, weights } = settings
  const body: SearchRequest = { query, top_k: topK, filters: filterBody(filters) }
  if (neighbours > 0) body.neighbours = neighbours
  if (rerank !== null) body.rerank = rerank === '' ? {} : { model: rerank }
  if (Object.keys(weights).length > 0) body.weights = { ...weights }
  return queryOptions({
    queryKey: [...memoryKeys.search, body],
    enabled: query !== '',
    placeholderData: keepPreviousData,
    // A model is not asked again for what it has graded a moment ago.
    staleTime: rerank === null ? 0 : 60_000,
    queryFn: async ({ signal }) =>
      (await send('/search', { method: 'POST', body, signal })).json() as Promise<SearchAnswer>,
  })
}

/** The weights by default, each with what its feature looks at. */
export const weightsQuery = queryOptions({
  queryKey: memoryKeys.weights,
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: async ({ signal }) =>
    (await getJson<{ items: FeatureWeight[] }>('/search/weights', { signal })).items,
})

/** What a context pack of so many tokens would take. It is only looked at; none is saved by this. */
export function packQuery(query: string, filters: Filters, budgetTokens: number) {
  const body: PackRequest = { query, budget_tokens: budgetTokens, filters: filterBody(filters) }
  return queryOptions({
    queryKey: [...memoryKeys.packs, body],
    enabled: query !== '',
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) =>
      (await send('/context/packs', { method: 'POST', body, signal })).json() as Promise<ContextPack>,
  })
}

/** While documents are divided anew it is asked for every two seconds. */
export const collectionsQuery = queryOptions({
  queryKey: memoryKeys.collections,
  queryFn: async ({ signal }) =>
    (await getJson<{ items: Collection[] }>('/memory/collections', { signal })).items,
  refetchInterval: ({ state }) => (state.data?.some(({ chunking }) => chunking.waiting > 0) ? 2_000 : false),
})

export const statsQuery = queryOptions({
  queryKey: memoryKeys.stats,
  queryFn: ({ signal }) => getJson<MemoryStats>('/memory/stats', { signal }),
})

/** While vectors are made it is asked for every second. */
export const indexQuery = queryOptions({
  queryKey: memoryKeys.index,
  queryFn: ({ signal }) => getJson<MemoryIndex>('/memory/index', { signal }),
  refetchInterval: ({ state }) => (state.data && isBehind(state.data) ? 1_000 : 15_000),
})

/** Whether vectors are still being made. */
export function isBehind({ state, done, total }: MemoryIndex): boolean {
  return state === 'building' || (state === 'active' && done < total)
}

export function documentPagesQuery(collection: string, filters: Filters) {
  return infiniteQueryOptions({
    queryKey: [...memoryKeys.documents, collection, filters],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      getJson<Page<MemoryDocument>>('/memory/documents', {
        query: { collection, limit: 100, cursor: pageParam, filters: filterText(filters) },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  })
}

export function documentQuery(id: string) {
  return queryOptions({
    queryKey: memoryKeys.document(id),
    queryFn: ({ signal }) => getJson<DocumentWithText>(pathOf('memory', 'documents', id), { signal }),
  })
}

export function chunksQuery(id: string) {
  return queryOptions({
    queryKey: memoryKeys.chunks(id),
    queryFn: async ({ signal }) =>
      (await getJson<{ items: Chunk[] }>(pathOf('memory', 'documents', id, 'chunks'), { signal })).items,
  })
}

/** Without `q` the newest first, a page at a time; with it what answers it, on one page. */
export function logPagesQuery(kind: LogKind, q: string) {
  return infiniteQueryOptions({
    queryKey: [...memoryKeys.logs, kind, q],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      getJson<Page<MemoryLogEntry>>(pathOf('memory', kind), {
        query: { q, limit: 50, cursor: pageParam },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (before, query) => (query?.queryKey[2] === kind ? before : undefined),
  })
}

export function useChangeDocument(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: async (change: ChangeDocument) =>
      (await send(pathOf('memory', 'documents', id), { method: 'PATCH', body: change })).json() as Promise<
        Partial<DocumentWithText>
      >,
    // What comes back need not have the text again.
    onSuccess: (changed) =>
      client.setQueryData<DocumentWithText>(
        memoryKeys.document(id),
        (before) => before && { ...before, ...changed },
      ),
    onSettled: () => refreshMemory(client),
  })
}

/** Sets a collection up; one that is not there yet is made. */
export function useChangeCollection() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: async ({ name, change }: { name: string; change: ChangeCollection }) =>
      (
        await send(pathOf('memory', 'collections', name), { method: 'PATCH', body: change })
      ).json() as Promise<Collection>,
    onSettled: () => refreshMemory(client),
  })
}

/** Deletes a document. `isLeaving`: the page is being left, and the request must outlive it. */
export async function deleteDocument(id: string, isLeaving: boolean): Promise<void> {
  await send(pathOf('memory', 'documents', id), { method: 'DELETE', keepalive: isLeaving })
}

/** Has all indices made anew, in the background. */
export function useReindex() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => send('/memory/reindex', { method: 'POST', body: {} }),
    onSettled: () =>
      Promise.all(
        [memoryKeys.index, memoryKeys.stats].map((queryKey) => client.invalidateQueries({ queryKey })),
      ),
  })
}

/** Asks anew for everything that depends on what memory holds. */
export function refreshMemory(client: QueryClient): Promise<unknown> {
  return Promise.all(
    [
      memoryKeys.search,
      memoryKeys.packs,
      memoryKeys.collections,
      memoryKeys.documents,
      memoryKeys.index,
      memoryKeys.stats,
    ].map((queryKey) => client.invalidateQueries({ queryKey })),
  )
}

/** Of a document that is gone, nothing is kept. */
export function forgetDocument(client: QueryClient, id: string): void {
  client.removeQueries({ queryKey: memoryKeys.document(id) })
}

/** What is in a file: documents to be read, or what was exported or kept elsewhere, to be taken over as it was. */
export const IMPORT_KINDS = ['documents', 'archive'] as const
export type ImportKind = (typeof IMPORT_KINDS)[number]

export interface ImportTarget {
  kind: ImportKind
  /** Empty where the server chooses. */
  collection: string
  privacy: PrivacyLabel
}

export type ImportQueue = UploadQueue<ImportTarget>

/** Sends one file. By XMLHttpRequest, since `fetch` does not tell how much of a body has been sent. */
export function importFile(
  file: File,
  { kind, collection, privacy }: ImportTarget,
  onSent: (share: number) => void,
  signal: AbortSignal,
): Promise<IngestedDocument[]> {
  const archive = kind === 'archive'
  const url = apiUrl(archive ? '/memory/import' : '/ingest/file', { name: file.name, collection, privacy })
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', url)
    request.setRequestHeader('accept', 'application/json')
    request.upload.onprogress = ({ loaded, total }) => onSent(total > 0 ? loaded / total : 0)
    request.upload.onload = () => onSent(1)
    request.onerror = () => {
      connection.lost()
      reject(new NetworkError('unreachable'))
    }
    request.onabort = () => reject(signal.reason)
    request.onload = () => void answerOf(request).then(resolve, reject)
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.send(file)
  })
}

async function answerOf(request: XMLHttpRequest): Promise<IngestedDocument[]> {
  const type = request.getResponseHeader('content-type') ?? ''
  const id = request.getResponseHeader('x-request-id')
  const headers = { 'content-type': type, ...(id ? { 'x-request-id': id } : {}) }
  const response = new Response(request.responseText, { status: request.status, headers })
  if (!response.ok) throw await errorFrom(response)
  return ((await response.json()) as { items: IngestedDocument[] }).items
}

export function exportUrl(format: ExportFormat, collection: string): string {
  return apiUrl('/memory/export', { format, collection })
}
