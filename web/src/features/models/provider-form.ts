import type { Dialect, Preset, Price, Provider, ProviderChange, Timeouts } from './wire'

/** What stands in the fields. Empty means: as the preset or the program has it. */
export interface ProviderFields {
  title: string
  name: string
  base_url: string
  model: string
  dialect: Dialect
  api_key: string
  removes_key: boolean
  connect_s: string
  first_content_s: string
  stall_s: string
  total_s: string
  concurrency: string
  price_input: string
  price_output: string
  price_cached: string
  context_tokens: string
}

export type FieldProblem = 'name' | 'url' | 'needed' | 'number' | 'whole'
export type FieldProblems = Partial<Record<keyof ProviderFields, FieldProblem>>

/** What stands where nothing is said, in milliseconds; the server's own. */
export const DEFAULT_TIMEOUTS: Timeouts = {
  connect_ms: 5_000,
  first_content_ms: 90_000,
  stall_ms: 30_000,
  total_ms: 300_000,
}

const textOf = (value: number | null | undefined) => (value == null ? '' : String(value))
const secondsOf = (ms: number | undefined) => (ms === undefined ? '' : String(ms / 1_000))

/** The fields of a provider that is there. */
export function fieldsOf(provider: Provider): ProviderFields {
  const { timeouts, price } = provider
  return {
    title: provider.title,
    name: provider.name,
    base_url: provider.base_url,
    model: provider.model,
    dialect: provider.dialect,
    api_key: '',
    removes_key: false,
    connect_s: secondsOf(timeouts?.connect_ms),
    first_content_s: secondsOf(timeouts?.first_content_ms),
    stall_s: secondsOf(timeouts?.stall_ms),
    total_s: secondsOf(timeouts?.total_ms),
    concurrency: textOf(provider.concurrency),
    price_input: textOf(price?.input),
    price_output: textOf(price?.output),
    price_cached: textOf(price?.cached),
    context_tokens: textOf(provider.context_tokens),
  }
}

/** The fields to begin with when one is added; `taken` are the names that others have. */
export function fieldsFrom(preset: Preset | null, taken: readonly string[]): ProviderFields {
  return {
    title: preset?.title ?? '',
    name: freeName(preset?.name ?? 'custom', taken),
    base_url: preset?.base_url ?? '',
    model: preset?.default_model ?? preset?.models[0]?.id ?? '',
    dialect: preset?.dialect ?? 'chat',
    api_key: '',
    removes_key: false,
    connect_s: '',
    first_content_s: '',
    stall_s: '',
    total_s: '',
    concurrency: '',
    price_input: '',
    price_output: '',
    price_cached: '',
    context_tokens: '',
  }
}

function freeName(wanted: string, taken: readonly string[]): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted}-${number}`
    if (!taken.includes(name)) return name
  }
}

const NUMBERS = [
  'connect_s',
  'first_content_s',
  'stall_s',
  'total_s',
  'price_input',
  'price_output',
  'price_cached',
] as const
const WHOLE = ['concurrency', 'context_tokens'] as const

/** What is wrong with the fields; nothing if they can be sent. */
export function problemsOf(fields: ProviderFields): FieldProblems {
  const problems: FieldProblems = {}
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(fields.name)) problems.name = 'name'
  if (!isWebAddress(fields.base_url)) problems.base_url = 'url'
  if (!fields.model.trim()) problems.model = 'needed'
  for (const field of NUMBERS) {
    if (fields[field] !== '' && !(Number(fields[field]) >= 0)) problems[field] = 'number'
  }
  for (const field of WHOLE) {
    if (fields[field] !== '' && !/^[1-9]\d*$/.test(fields[field])) problems[field] = 'whole'
  }
  if ((fields.price_input === '') !== (fields.price_output === '')) {
    problems[fields.price_input === '' ? 'price_input' : 'price_output'] = 'needed'
  }
  return problems
}

function isWebAddress(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text).protocol)
  } catch {
    return false
  }
}

/** What to send so that a provider becomes what the fields say: only what differs from before. */
export function changeOf(before: ProviderFields, after: ProviderFields): ProviderChange {
  const change: ProviderChange = {}
  const differs = (...names: (keyof ProviderFields)[]) => names.some((name) => before[name] !== after[name])
  if (differs('title')) change.title = after.title.trim()
  if (differs('base_url')) change.base_url = after.base_url.trim()
  if (differs('model')) change.model = after.model.trim()
  if (differs('dialect')) change.dialect = after.dialect
  if (after.api_key.trim()) change.api_key = after.api_key.trim()
  else if (after.removes_key) change.api_key = null
  if (differs('connect_s', 'first_content_s', 'stall_s', 'total_s')) change.timeouts = timeoutsOf(after)
  if (differs('concurrency')) change.concurrency = numberOf(after.concurrency)
  if (differs('price_input', 'price_output', 'price_cached')) change.price = priceOf(after)
  if (differs('context_tokens')) change.context_tokens = numberOf(after.context_tokens)
  return change
}

/** What to send to add a provider. */
export function additionOf(
  preset: Preset | null,
  first: ProviderFields,
  fields: ProviderFields,
): ProviderChange {
  const change = changeOf(first, fields)
  const rest = preset
    ? { preset: preset.name, model: fields.model.trim() }
    : { base_url: fields.base_url.trim(), model: fields.model.trim(), dialect: fields.dialect }
  return { ...change, ...rest, name: fields.name }
}

function numberOf(text: string): number | null {
  return text === '' ? null : Number(text)
}

function timeoutsOf(fields: ProviderFields): Timeouts | null {
  const given = [fields.connect_s, fields.first_content_s, fields.stall_s, fields.total_s]
  if (given.every((text) => text === '')) return null
  const ms = (text: string, otherwise: number) => (text === '' ? otherwise : Math.round(Number(text) * 1_000))
  return {
    connect_ms: ms(fields.connect_s, DEFAULT_TIMEOUTS.connect_ms),
    first_content_ms: ms(fields.first_content_s, DEFAULT_TIMEOUTS.first_content_ms),
    stall_ms: ms(fields.stall_s, DEFAULT_TIMEOUTS.stall_ms),
    total_ms: ms(fields.total_s, DEFAULT_TIMEOUTS.total_ms),
  }
}

function priceOf(fields: ProviderFields): Price | null {
  if (fields.price_input === '' || fields.price_output === '') return null
  return {
    input: Number(fields.price_input),
    output: Number(fields.price_output),
    cached: numberOf(fields.price_cached),
  }
}
