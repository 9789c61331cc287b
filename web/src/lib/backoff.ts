/** The pause before attempt `n` (0, 1, …): doubles from 300 ms up to `limit_ms`, with a quarter of jitter. */
export function backoff(attempt: number, limitMs: number, random: () => number = Math.random): number {
  const pause = Math.min(limitMs, 300 * 2 ** attempt)
  return pause * (0.75 + 0.5 * random())
}

/** Waits; an abort ends the wait early and is no error. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}
