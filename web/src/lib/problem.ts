import type { Problem } from './wire'

/** The server answered and said no. Carries what problem+json says, so that a screen can show all of it. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  readonly hint: string | null
  readonly requestId: string | null

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail || problem.title || `HTTP ${status}`)
    this.status = status
    this.code = problem.code ?? `http_${status}`
    this.hint = problem.hint ?? null
    this.requestId = problem.request_id ?? null
  }
}

/** The server could not be reached at all. The connection watcher takes over from here. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
}

/** Reads an answer that is not a success. A proxy's bare 502 to 504 means the server is away. */
export async function errorFrom(response: Response): Promise<ApiError | NetworkError> {
  const type = response.headers.get('content-type') ?? ''
  if (!type.includes('json')) {
    if (response.status >= 502 && response.status <= 504) return new NetworkError(`HTTP ${response.status}`)
    return new ApiError(response.status, { request_id: requestIdOf(response) })
  }
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>
  return new ApiError(response.status, {
    ...problem,
    request_id: problem.request_id ?? requestIdOf(response),
  })
}

function requestIdOf(response: Response): string | undefined {
  return response.headers.get('x-request-id') ?? undefined
}
