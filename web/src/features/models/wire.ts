/** The shapes of the models plane on the wire. */

export const POLICIES = ['local-only', 'local-first', 'cloud-first', 'cheapest', 'fastest'] as const
export type Policy = (typeof POLICIES)[number]

export const DIALECTS = ['chat', 'responses', 'anthropic', 'gemini'] as const
export type Dialect = (typeof DIALECTS)[number]

export interface ProviderKey {
  state: 'none' | 'set' | 'missing'
  storage: 'keychain' | 'encrypted_file' | 'environment' | null
  /** The last characters, to tell keys apart. */
  ending: string | null
}

export interface Timeouts {
  connect_ms: number
  first_content_ms: number
  stall_ms: number
  total_ms: number
}

/** US dollars per million tokens. */
export interface Price {
  input: number
  output: number
  cached: number | null
}

export interface ProviderHealth {
  state: 'unknown' | 'healthy' | 'failing' | 'paused'
  failures_in_a_row: number
  first_content_ms: number | null
  paused_until: string | null
  last_error: { code: string; message: string; at: string } | null
}

export interface Provider {
  name: string
  title: string
  preset: string | null
  dialect: Dialect
  base_url: string
  model: string
  is_local: boolean
  enabled: boolean
  /** Only those of the workspace can be changed here. */
  source: 'settings' | 'environment' | 'workspace'
  key: ProviderKey
  timeouts: Timeouts | null
  concurrency: number | null
  price: Price | null
  context_tokens: number | null
  health: ProviderHealth
}

/** What is sent to add a provider or to change one. What is left out stays, or comes from the preset. */
export interface ProviderChange {
  preset?: string
  name?: string
  title?: string
  base_url?: string
  model?: string
  dialect?: Dialect
  /** `null` takes the key away. */
  api_key?: string | null
  enabled?: boolean
  timeouts?: Timeouts | null
  concurrency?: number | null
  price?: Price | null
  context_tokens?: number | null
}

export interface ProviderTest {
  ok: boolean
  latency_ms: number
  models: string[]
  has_model: boolean | null
  problem: { code: string; message: string; hint: string | null } | null
}

export interface ProviderModel {
  id: string
  size_bytes: number | null
  digest: string | null
  modified_at: string | null
  is_loaded: boolean | null
  is_required: boolean
}

export interface Preset {
  name: string
  title: string
  base_url: string
  dialect: Dialect
  needs_key: boolean
  key_variable: string | null
  models: { id: string; context_tokens: number | null; price: Price | null }[]
  default_model: string | null
  note: string | null
}

export interface Suggestion {
  preset: string
  name: string
  title: string
  reason: 'ollama_found' | 'key_in_environment'
  base_url: string
  model: string
  key_variable: string | null
}

export interface Routing {
  policy: Policy
  local_only: boolean
  /** Names of providers, the first one to ask first. */
  order: string[]
  hedge_after_ms: number | null
  chain: string[] | null
}

export interface Percentiles {
  p50: number
  p95: number
  p99: number
}

export interface Figures {
  requests: number
  failures: number
  fallbacks: number
  cached: number
  tokens_in: number
  tokens_out: number
  tokens_cached: number
  usd: number
  is_estimated: boolean
  latency_ms: Percentiles | null
  first_content_ms: Percentiles | null
}

export interface SeriesPoint extends Figures {
  start: string
  provider: string
}

export interface Usage {
  from: string
  to: string
  bucket: 'hour' | 'day'
  totals: Figures
  by_provider: (Figures & { provider: string })[]
  by_model: (Figures & { provider: string; model: string })[]
  by_token: (Figures & { token_id: string | null; name: string })[]
  series: SeriesPoint[]
}

export const OUTCOMES = ['answered', 'failed', 'cancelled', 'refused', 'from_cache'] as const
export type Outcome = (typeof OUTCOMES)[number]

export interface CallAttempt {
  provider: string
  model: string
  outcome: string
  code: string | null
  message: string | null
  latency_ms: number
  tokens_in: number | null
  tokens_out: number | null
  usd: number | null
}

export interface Call {
  id: string
  at: string
  surface: 'chat' | 'messages' | 'responses' | 'embeddings' | 'infer' | 'run'
  actor: string
  request_id: string
  run_id: string | null
  provider: string | null
  model: string | null
  requested_model: string | null
  is_stream: boolean
  outcome: Outcome
  error_code: string | null
  tokens_in: number
  tokens_out: number
  tokens_cached: number
  is_estimated: boolean
  usd: number
  first_content_ms: number | null
  latency_ms: number
  attempts: CallAttempt[]
}

export const LIMIT_SCOPES = ['workspace', 'provider', 'token'] as const
export type LimitScope = (typeof LIMIT_SCOPES)[number]
export const LIMIT_WINDOWS = ['minute', 'day', 'month'] as const
export type LimitWindow = (typeof LIMIT_WINDOWS)[number]

export interface LimitChange {
  scope: LimitScope
  /** The id of a token or the name of a provider; `null` for the workspace. */
  subject: string | null
  window: LimitWindow
  requests: number | null
  tokens: number | null
  usd: number | null
  /** The share from which on a warning is given. */
  warn_at: number
}

export interface Limit extends LimitChange {
  id: string
  used: { requests: number; tokens: number; usd: number }
  state: 'ok' | 'warning' | 'exhausted'
  resets_at: string
}
