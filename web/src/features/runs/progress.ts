import type { Step } from './api'

/** How many steps are behind us, and the one that is being done. */
export function progressOf(steps: readonly Step[]): {
  done: number
  total: number
  current: Step | undefined
} {
  return {
    done: steps.filter((step) => step.status === 'completed' || step.status === 'skipped').length,
    total: steps.length,
    current: steps.find((step) => step.status === 'running' || step.status === 'waiting'),
  }
}
