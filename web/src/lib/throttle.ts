/** Calls `run` at most once every `everyMs`: at once the first time, then once more for all calls in between. */
export function throttle(run: () => void, everyMs: number): { call: () => void; cancel: () => void } {
  let timer: ReturnType<typeof setTimeout> | null = null
  let again = false
  const tick = () => {
    timer = null
    if (!again) return
    again = false
    fire()
  }
  const fire = () => {
    run()
    timer = setTimeout(tick, everyMs)
  }
  return {
    call() {
      if (timer === null) fire()
      else again = true
    },
    cancel() {
      if (timer !== null) clearTimeout(timer)
      timer = null
      again = false
    },
  }
}
