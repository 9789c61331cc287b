import { keepPreviousData, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import { getJson, type Page, postJson } from '@/lib/http'
import type { CodeLanguage, CodeOutcome, CodeRun } from '@/lib/wire'

export type { CodeLanguage, CodeOutcome, CodeRun }

export const CODE_LANGUAGES = ['python', 'javascript', 'shell'] as const satisfies readonly CodeLanguage[]

/** How long a snippet may take, in seconds. Five is the server's own default. */
export const LIMITS_S = ['1', '5', '15', '30', '60'] as const
export type LimitS = (typeof LIMITS_S)[number]

export interface Snippet {
  code: string
  language: CodeLanguage
  timeout_ms: number
  stdin?: string
}

export function useRunCode() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (snippet: Snippet) => postJson<CodeRun>('/debugger/run', snippet),
    onSuccess: () => client.invalidateQueries({ queryKey: ['code'] }),
  })
}

/** What was run before: the newest, or those that match. */
export function codeHistoryQuery(q: string) {
  return queryOptions({
    queryKey: ['code', q],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) =>
      q
        ? (await getJson<Page<CodeRun>>('/debugger/search', { query: { q, n: 50 }, signal })).items
        : (await getJson<Page<CodeRun>>('/debugger/logs', { query: { limit: 50 }, signal })).items,
  })
}
