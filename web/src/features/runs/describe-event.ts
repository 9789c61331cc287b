import type { TFunction } from 'i18next'
import type { RunEvent } from './api'

export type EventGroup = 'steps' | 'output' | 'decisions' | 'run'

const GROUPS: Record<string, EventGroup> = {
  step_started: 'steps',
  step_completed: 'steps',
  step_failed: 'steps',
  child_started: 'steps',
  child_finished: 'steps',
  artifact_added: 'steps',
  check: 'steps',
  log: 'output',
  output: 'output',
  model_call: 'output',
  gate_opened: 'decisions',
  gate_decided: 'decisions',
}

export function groupOf(kind: string): EventGroup {
  return GROUPS[kind] ?? 'run'
}

type Payload = Record<string, unknown>

/** What steps and gates are called, by name. */
export type Titles = ReadonlyMap<string, string>

/** What an event says in one line (or as many as a program printed), for a person. */
export function describeEvent(event: RunEvent, t: TFunction, titles: Titles = new Map()): string {
  const payload: Payload = isRecord(event.payload) ? event.payload : {}
  const titleOf = (value: unknown) => {
    const id = text(value)
    return id === undefined ? undefined : (titles.get(id) ?? id)
  }
  const name =
    text(payload.title) ?? titleOf(payload.step) ?? titleOf(payload.gate) ?? titleOf(payload.name) ?? ''
  switch (event.kind) {
    case 'log':
    case 'output':
      return printed(event.payload)
    case 'step_failed':
    case 'failed':
      return [t(`event.${event.kind}`, { name }), messageOf(payload)].filter(Boolean).join(': ')
    case 'gate_decided':
      return t('event.gate_decided', { name, decision: decisionText(payload, t) })
    case 'artifact_added':
      return t('event.artifact_added', { name: text(payload.path) ?? name })
    case 'check': {
      const check = isRecord(payload.check) ? payload.check : payload
      return t(
        `event.check_${check.passed === false ? 'failed' : check.passed === true ? 'passed' : 'open'}`,
        {
          name: text(check.text) ?? name,
        },
      )
    }
    case 'waiting': {
      const on = Array.isArray(payload.on) ? payload.on.map(titleOf).filter(Boolean) : []
      return t('event.waiting', { name: on.join(', ') }).replace(/[:\s]+$/, '')
    }
    case 'model_call':
      return describeModelCall(payload, t)
    case 'submitted':
    case 'started':
    case 'resumed':
    case 'step_started':
    case 'step_completed':
    case 'gate_opened':
    case 'timer_set':
    case 'timer_fired':
    case 'child_started':
    case 'child_finished':
    case 'cancel_requested':
    case 'rewound':
    case 'completed':
    case 'cancelled':
    case 'plan':
      return t(`event.${event.kind}`, { name: name || titleOf(payload.stage) || '' }).trim()
    default:
      return [event.kind, printed(event.payload)].filter(Boolean).join(' ')
  }
}

function describeModelCall(payload: Payload, t: TFunction): string {
  const outcome = isRecord(payload.outcome) ? payload.outcome : {}
  const usage = isRecord(payload.usage) ? payload.usage : {}
  const model = [text(payload.model), text(payload.provider)].filter(Boolean).join(' · ')
  if (outcome.kind === 'failed') {
    return [t('event.model_failed', { model }), text(outcome.message)].filter(Boolean).join(': ')
  }
  const tokens = [usage.tokens_in, usage.tokens_out].map((count) => (typeof count === 'number' ? count : 0))
  return t('event.model_answered', { model, in: tokens[0], out: tokens[1] })
}

function decisionText(payload: Payload, t: TFunction): string {
  const decision = payload.decision
  if (decision === 'approve' || decision === 'skip' || decision === 'reject') return t(`decision.${decision}`)
  return text(decision) ?? ''
}

function messageOf(payload: Payload): string {
  if (isRecord(payload.error)) return text(payload.error.message) ?? ''
  return text(payload.error) ?? text(payload.message) ?? ''
}

function printed(payload: unknown): string {
  if (typeof payload === 'string') return payload.replace(/\n$/, '')
  if (!isRecord(payload)) return payload === null || payload === undefined ? '' : JSON.stringify(payload)
  for (const key of ['message', 'line', 'text', 'chunk', 'data']) {
    const value = payload[key]
    if (typeof value === 'string') return value.replace(/\n$/, '')
  }
  return Object.keys(payload).length === 0 ? '' : JSON.stringify(payload)
}

function isRecord(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
