import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import { getJson, pathOf, postJson, send } from '@/lib/http'
import { modelKeys } from './api'
import type { Limit, LimitChange } from './wire'

export const limitsQuery = queryOptions({
  queryKey: modelKeys.limits,
  refetchInterval: 15_000,
  queryFn: async ({ signal }) => (await getJson<{ items: Limit[] }>('/llm/limits', { signal })).items,
})

function useLimitMutation<Input, Result>(change: (input: Input) => Promise<Result>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSettled: () => client.invalidateQueries({ queryKey: modelKeys.limits }),
  })
}

export function useAddLimit() {
  return useLimitMutation((body: LimitChange) => postJson<Limit>('/llm/limits', body))
}

export function useChangeLimit() {
  return useLimitMutation(
    async ({ id, change }: { id: string; change: Partial<LimitChange> }) =>
      (await send(pathOf('llm', 'limits', id), { method: 'PATCH', body: change })).json() as Promise<Limit>,
  )
}

export function useDeleteLimit() {
  return useLimitMutation((id: string) => send(pathOf('llm', 'limits', id), { method: 'DELETE' }))
}
