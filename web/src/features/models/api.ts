import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import { getJson, pathOf, postJson, send } from '@/lib/http'
import { ApiError } from '@/lib/problem'
import { readEvents } from '@/lib/read-events'
import type {
  Preset,
  Provider,
  ProviderChange,
  ProviderModel,
  ProviderTest,
  Routing,
  Suggestion,
} from './wire'

interface Items<T> {
  items: T[]
}

export const modelKeys = {
  providers: ['providers'] as const,
  routing: ['llm', 'routing'] as const,
  suggestions: ['llm', 'suggestions'] as const,
  limits: ['llm', 'limits'] as const,
  usage: ['llm', 'usage'] as const,
  calls: ['llm', 'calls'] as const,
}

/** In the owner's order. Health changes by itself, so they are asked for again now and then. */
export const providersQuery = queryOptions({
  queryKey: modelKeys.providers,
  refetchInterval: 15_000,
  queryFn: async ({ signal }) => (await getJson<Items<Provider>>('/providers', { signal })).items,
})

export const presetsQuery = queryOptions({
  queryKey: ['llm', 'presets'],
  staleTime: 10 * 60_000,
  queryFn: async ({ signal }) => (await getJson<Items<Preset>>('/llm/presets', { signal })).items,
})

export const suggestionsQuery = queryOptions({
  queryKey: modelKeys.suggestions,
  staleTime: 30_000,
  queryFn: async ({ signal }) => (await getJson<Items<Suggestion>>('/llm/suggestions', { signal })).items,
})

export const routingQuery = queryOptions({
  queryKey: modelKeys.routing,
  queryFn: ({ signal }) => getJson<Routing>('/llm/routing', { signal }),
})

export function providerModelsQuery(name: string) {
  return queryOptions({
    queryKey: [...modelKeys.providers, name, 'models'],
    queryFn: async ({ signal }) =>
      (await getJson<Items<ProviderModel>>(pathOf('providers', name, 'models'), { signal })).items,
  })
}

/** Changes something about providers; whatever came of it, what is on screen is asked for again. */
function useProviderMutation<Input, Result>(change: (input: Input) => Promise<Result>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: modelKeys.providers }),
        client.invalidateQueries({ queryKey: modelKeys.routing }),
        client.invalidateQueries({ queryKey: modelKeys.suggestions }),
      ]),
  })
}

export function useAddProvider() {
  return useProviderMutation((body: ProviderChange) => postJson<Provider>('/providers', body))
}

export function useChangeProvider() {
  return useProviderMutation(
    async ({ name, change }: { name: string; change: ProviderChange }) =>
      (await send(pathOf('providers', name), { method: 'PATCH', body: change })).json() as Promise<Provider>,
  )
}

export function useDeleteProvider() {
  return useProviderMutation((name: string) => send(pathOf('providers', name), { method: 'DELETE' }))
}

export function useTestProvider() {
  return useProviderMutation((name: string) =>
    postJson<ProviderTest>(pathOf('providers', name, 'test'), { prompt: true }),
  )
}

export function useDismissSuggestion() {
  return useProviderMutation((name: string) => send(pathOf('llm', 'suggestions', name), { method: 'DELETE' }))
}

/** Shows the change at once, and takes it back if the server says no. */
export function useChangeRouting() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: async (change: Partial<Routing>) =>
      (await send('/llm/routing', { method: 'PATCH', body: change })).json() as Promise<Routing>,
    async onMutate(change) {
      await client.cancelQueries({ queryKey: modelKeys.routing })
      const before = client.getQueryData<Routing>(modelKeys.routing)
      if (before) client.setQueryData(modelKeys.routing, { ...before, ...change })
      return { before }
    },
    onError(_error, _change, context) {
      if (context?.before) client.setQueryData(modelKeys.routing, context.before)
    },
    onSuccess: (routing) => client.setQueryData(modelKeys.routing, routing),
    onSettled: () => client.invalidateQueries({ queryKey: modelKeys.providers, exact: true }),
  })
}

export function useWarmUp(name: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (model: string) =>
      postJson<{ ok: boolean; latency_ms: number }>(pathOf('providers', name, 'warm-up'), { model }),
    onSettled: () => client.invalidateQueries({ queryKey: providerModelsQuery(name).queryKey }),
  })
}

export interface PullProgress {
  status: string
  completed: number | null
  total: number | null
}

/** Fetches a model to this machine, saying how far it is; throws what the server says went wrong. */
export async function pullModel(
  name: string,
  model: string,
  onProgress: (progress: PullProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await send(pathOf('providers', name, 'pull'), {
    method: 'POST',
    body: { model },
    headers: { accept: 'text/event-stream' },
    signal,
  })
  for await (const message of readEvents(response)) {
    if (message.event === 'done') return
    const data = JSON.parse(message.data)
    if (message.event === 'progress') onProgress(data)
    if (message.event === 'failed') throw pullError(data)
  }
  throw new ApiError(0, { code: 'stream_broke_off', detail: model })
}

function pullError(data: { problem?: { code?: string; message?: string; detail?: string; hint?: string } }) {
  const problem = data.problem ?? {}
  return new ApiError(0, { ...problem, detail: problem.detail ?? problem.message })
}
