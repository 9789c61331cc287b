/** What of each of these rooms stands in the address. */
import type { Outcome, Policy } from './wire'

export interface ProvidersViewState {
  /** A provider is being added: `new` while one chooses, else the name of the preset. */
  add?: string
  /** The name of the provider that is being changed. */
  edit?: string
}

export interface PlaygroundViewState {
  model?: string
  policy?: Policy
  /** Whether the question must stay on this machine. */
  local?: '1'
}

export const RANGES = ['24h', '7d', '30d', '90d'] as const
export type Range = (typeof RANGES)[number]

export interface UsageViewState {
  range?: Range
  provider?: string
  token?: string
  outcome?: Outcome
}
