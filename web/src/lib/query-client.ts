import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { connection } from './connection'
import { ApiError, NetworkError } from './problem'

/** Under this key stands who is signed in; null once the server has answered 401 to anything. */
export const SESSION_KEY = ['session'] as const

function shouldRetry(failures: number, error: Error): boolean {
  // Without a connection the query is paused, so this does not hammer a server that is away.
  if (error instanceof NetworkError) return failures < 20
  if (error instanceof ApiError) return error.status >= 500 && failures < 2
  return false
}

export function createQueryClient(): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof ApiError && error.status === 401) client.setQueryData(SESSION_KEY, null)
  }
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: { staleTime: 2_000, retry: shouldRetry, refetchOnReconnect: false },
      // A decision or a start must fail at once and visibly; it is never sent later behind someone's back.
      mutations: { networkMode: 'always', retry: false },
    },
  })
  let before = connection.current()
  connection.subscribe(() => {
    const now = connection.current()
    if (before === 'reconnecting' && now === 'connected') void client.invalidateQueries()
    before = now
  })
  return client
}
