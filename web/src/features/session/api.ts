import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import { getJson, send } from '@/lib/http'
import { ApiError } from '@/lib/problem'
import { SESSION_KEY } from '@/lib/query-client'
import type { Session } from '@/lib/wire'

export type { Session }

/** Who is signed in; null if nobody is. */
export const sessionQuery = queryOptions({
  queryKey: SESSION_KEY,
  staleTime: 5 * 60_000,
  async queryFn({ signal }): Promise<Session | null> {
    try {
      return await getJson<Session>('/auth/session', { signal })
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null
      throw error
    }
  },
})

/** Exchanges a pasted owner token for the session cookie. */
export function useSignIn() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: async (token: string) => {
      await send('/auth/session', { method: 'POST', body: { token } })
      return client.fetchQuery({ ...sessionQuery, staleTime: 0 })
    },
    onSuccess: () => client.invalidateQueries(),
  })
}

export function useSignOut() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => send('/auth/session', { method: 'DELETE' }),
    onSuccess() {
      client.clear()
      client.setQueryData(SESSION_KEY, null)
    },
  })
}
