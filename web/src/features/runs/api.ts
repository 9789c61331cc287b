import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import { apiUrl, getJson, type Page, pathOf, postJson, send } from '@/lib/http'
import { ApiError } from '@/lib/problem'
import type { Artifact, ContextPack, GateDecision, Run, RunDetail, RunStatus } from '@/lib/wire'

export type {
  Acceptance,
  Artifact,
  Gate,
  GateDecision,
  Plan,
  PlanStep,
  Run,
  RunDetail,
  RunEvent,
  RunStatus,
  Step,
  StepKind,
  StepStatus,
} from '@/lib/wire'

export const RUN_STATUSES = [
  'queued',
  'running',
  'waiting',
  'waiting_approval',
  'completed',
  'failed',
  'cancelled',
] as const satisfies readonly RunStatus[]

export const ACTIVE_STATUSES = ['queued', 'running', 'waiting'] as const satisfies readonly RunStatus[]

export interface RunFilters {
  status?: RunStatus
  workflow?: string
  q?: string
}

export const runKeys = {
  all: ['runs'] as const,
  lists: ['runs', 'list'] as const,
  detail: (id: string) => ['runs', 'detail', id] as const,
}

export function isOver(status: RunStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

/** All runs that match, newest first, a page at a time. */
export function runPagesQuery(filters: RunFilters) {
  return infiniteQueryOptions({
    queryKey: [...runKeys.lists, 'pages', filters],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      getJson<Page<Run>>('/runs', { query: { ...filters, limit: 50, cursor: pageParam }, signal }),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (before) => before,
  })
}

/** The newest runs of one status. */
export function runsByStatusQuery(status: RunStatus | undefined, limit: number) {
  return queryOptions({
    queryKey: [...runKeys.lists, 'status', status ?? 'any', limit],
    queryFn: async ({ signal }) =>
      (await getJson<Page<Run>>('/runs', { query: { status, limit }, signal })).items,
  })
}

export function runQuery(id: string) {
  return queryOptions({
    queryKey: runKeys.detail(id),
    queryFn: ({ signal }) => getJson<RunDetail>(pathOf('runs', id), { signal }),
  })
}

/** What memory knew, as the run's models were told; null where they were told nothing of it, or not yet. */
export function runContextQuery(id: string) {
  return queryOptions({
    // Below the run's own key: what makes the run be asked for anew may have given it its context.
    queryKey: [...runKeys.detail(id), 'context'],
    queryFn: async ({ signal }): Promise<ContextPack | null> => {
      try {
        return await getJson<ContextPack>(pathOf('context', id), { signal })
      } catch (error) {
        if (error instanceof ApiError && error.code === 'pack_not_found') return null
        throw error
      }
    },
  })
}

function useRunMutation<Input>(id: string, send: (input: Input) => Promise<Run>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: send,
    // Also after a refusal: it usually means that what is on screen is out of date.
    onSettled: (run) =>
      Promise.all([
        client.invalidateQueries({ queryKey: runKeys.detail(run?.id ?? id) }),
        client.invalidateQueries({ queryKey: runKeys.detail(id) }),
        client.invalidateQueries({ queryKey: runKeys.lists }),
      ]),
  })
}

export interface Decision {
  gate: string
  decision: GateDecision
  feedback?: string
  /** The digest of the proposal as it was shown. The server refuses a decision about anything else. */
  digest: string
}

export function useDecideGate(id: string) {
  return useRunMutation(id, (decision: Decision) => postJson<Run>(pathOf('runs', id, 'approve'), decision))
}

export interface Retry {
  stage?: string
  input?: unknown
}

export function useRetryRun(id: string) {
  return useRunMutation(id, (retry: Retry) => postJson<Run>(pathOf('runs', id, 'retry'), retry))
}

export function useCancelRun(id: string) {
  return useRunMutation(id, () => postJson<Run>(pathOf('runs', id, 'cancel'), {}))
}

export function useForkRun(id: string) {
  return useRunMutation(id, (afterStep: string) =>
    postJson<Run>(pathOf('runs', id, 'fork'), { after_step: afterStep }),
  )
}

export function artifactUrl(runId: string, path: string): string {
  return apiUrl(pathOf('runs', runId, 'artifacts', path))
}

/** The bytes of an artifact. They never change under a digest, so they are fetched once. */
export function artifactQuery(runId: string, artifact: Artifact) {
  return queryOptions({
    queryKey: ['artifact', runId, artifact.path, artifact.digest],
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    queryFn: async ({ signal }) =>
      (
        await send(pathOf('runs', runId, 'artifacts', artifact.path), { signal, headers: { accept: '*/*' } })
      ).blob(),
  })
}
