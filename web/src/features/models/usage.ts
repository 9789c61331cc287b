import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { getJson, type Page } from '@/lib/http'
import { modelKeys } from './api'
import { spanOf } from './usage-series'
import type { Range, UsageViewState } from './views'
import type { Call, Usage } from './wire'

export function usageQuery(range: Range, provider: string | undefined, token: string | undefined) {
  return queryOptions({
    queryKey: [...modelKeys.usage, range, provider ?? '', token ?? ''],
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
    queryFn: ({ signal }) => {
      const { from, to, bucket } = spanOf(range, Date.now())
      const query = {
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
        bucket,
        provider,
        token,
      }
      return getJson<Usage>('/llm/usage', { query, signal })
    },
  })
}

/** The newest first, a page at a time. */
export function callPagesQuery({ provider, outcome }: UsageViewState) {
  return infiniteQueryOptions({
    queryKey: [...modelKeys.calls, provider ?? '', outcome ?? ''],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      getJson<Page<Call>>('/llm/calls', {
        query: { limit: 20, cursor: pageParam, provider, outcome },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  })
}
