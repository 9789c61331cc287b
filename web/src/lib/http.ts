import { connection } from './connection'
import { errorFrom, NetworkError } from './problem'

/** A page of a list. `next_cursor` is null on the last one. */
export interface Page<T> {
  items: T[]
  next_cursor: string | null
}

interface Options {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  query?: Record<string, string | number | undefined>
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Whether it goes on when the page is left. */
  keepalive?: boolean
}

const BASE = '/api/v1'

/** The address of a path below the API, with the query parameters that have a value. */
export function apiUrl(path: string, query: Options['query'] = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') parameters.set(name, String(value))
  }
  const text = parameters.toString()
  return `${BASE}${path}${text ? `?${text}` : ''}`
}

/** Sends a request; throws ApiError if the server says no, NetworkError if it cannot be reached. */
export async function send(path: string, options: Options = {}): Promise<Response> {
  const { method = 'GET', query, body, headers, signal, keepalive } = options
  let response: Response
  try {
    response = await fetch(apiUrl(path, query), {
      method,
      signal,
      keepalive,
      credentials: 'same-origin',
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
  } catch (cause) {
    if (signal?.aborted) throw cause
    connection.lost()
    throw new NetworkError('unreachable', { cause })
  }
  if (response.ok) return response
  const error = await errorFrom(response)
  if (error instanceof NetworkError) connection.lost()
  throw error
}

export async function getJson<T>(path: string, options: Options = {}): Promise<T> {
  return (await send(path, options)).json() as Promise<T>
}

export async function postJson<T>(path: string, body: unknown, headers?: Record<string, string>): Promise<T> {
  return (await send(path, { method: 'POST', body, headers })).json() as Promise<T>
}

/** Escapes each part of a path that may contain slashes of its own. */
export function pathOf(...parts: string[]): string {
  return parts.map((part) => `/${part.split('/').map(encodeURIComponent).join('/')}`).join('')
}
