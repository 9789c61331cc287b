import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import { getJson, type Page, postJson } from '@/lib/http'
import { randomId } from '@/lib/random-id'
import type { Dispatch, Model, Run, SubmitRun } from '@/lib/wire'

export type { Dispatch, Model, SubmitRun }

export interface Submission {
  body: SubmitRun
  /** The same for every attempt at the same submission, so that a repeated one starts no second run. */
  key: string
}

export function newSubmission(body: SubmitRun): Submission {
  return { body, key: randomId() }
}

/** Starts a run for a goal. */
export function useSubmitGoal() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ body, key }: Submission) => postJson<Run>('/runs', body, { 'idempotency-key': key }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['runs', 'list'] }),
  })
}

/** Makes a plan and shows it; nothing is carried out. */
export function usePreviewPlan() {
  return useMutation({
    mutationFn: (prompt: string) => postJson<Dispatch>('/planner/dispatch', { prompt, task_type: 'auto' }),
  })
}

export const modelsQuery = queryOptions({
  queryKey: ['models'],
  staleTime: 60_000,
  queryFn: async ({ signal }) => (await getJson<Page<Model>>('/models', { signal })).items,
})
