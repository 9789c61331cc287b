import type {
  Decision,
  History,
  HistoryGate,
  HistoryMessage,
  HistoryTurn,
  Permission,
  StudioProblem,
  ToolUse,
  TurnEvent,
  TurnPhase,
  TurnStatus,
  Usage,
} from './wire'

export interface GateView {
  gate: string
  title: string
  detail: string | null
  proposal: ToolUse | null
  digest: string | null
  decision: Decision | null
  feedback: string | null
}

export interface TextPart {
  kind: 'text'
  step: number
  text: string
}

export interface CallPart {
  kind: 'call'
  step: number
  id: string
  name: string
  arguments: unknown
  permission: Permission | null
  use: ToolUse | null
  gate: GateView | null
  result: { text: string; isError: boolean } | null
}

export type TurnPart = TextPart | CallPart

export interface Check {
  name: string
  ok: boolean
  text: string
}

/** A question and all that came of it, as it is on screen. */
export interface TurnView {
  turnId: string
  question: string
  attachments: string[]
  parts: TurnPart[]
  checks: Check[]
  status: TurnStatus
  phase: { phase: TurnPhase; attempt: number } | null
  /** What went wrong, and whether it is tried again by itself. */
  error: (StudioProblem & { willRetry: boolean }) | null
  reason: string | null
  model: string | null
  /** The state of the files before the turn. */
  checkpoint: string | null
  changed: string[]
  usage: Usage | null
  seconds: number | null
  startedAt: string
  /** The number and kind of the last event seen; 0 for what comes from the history alone. */
  lastId: number
  lastKind: TurnEvent['kind'] | null
}

export function newTurn(
  turnId: string,
  question: string,
  attachments: string[],
  startedAt: string,
): TurnView {
  return {
    turnId,
    question,
    attachments,
    parts: [],
    checks: [],
    status: 'running',
    phase: null,
    error: null,
    reason: null,
    model: null,
    checkpoint: null,
    changed: [],
    usage: null,
    seconds: null,
    startedAt,
    lastId: 0,
    lastKind: null,
  }
}

export function isOver(turn: TurnView): boolean {
  return turn.status !== 'running' && turn.status !== 'waiting'
}

/** A turn after one more event. What the history says goes the same way, so both look the same. */
export function reduceTurn(turn: TurnView, event: TurnEvent): TurnView {
  switch (event.kind) {
    case 'status':
      return {
        ...turn,
        turnId: event.turnId,
        status: 'running',
        phase: { phase: event.phase, attempt: event.attempt },
        // It goes on, so whatever was wrong is over.
        error: null,
        parts: voids(event)
          ? turn.parts.filter((part) => part.kind === 'call' || part.step !== event.step)
          : turn.parts,
      }
    case 'token':
      return { ...turn, parts: withText(turn.parts, event.step, event.text) }
    case 'tool_call':
      return { ...turn, parts: withCall(turn.parts, event) }
    case 'gate':
      return {
        ...turn,
        status: 'waiting',
        phase: null,
        parts: changeCall(turn.parts, event.callId, (call) => ({ ...call, gate: gateOf(event) })),
      }
    case 'gate_decided':
      return { ...turn, status: 'running', parts: decideGate(turn.parts, event) }
    case 'tool_result':
      return {
        ...turn,
        parts: changeCall(turn.parts, event.id, (call) => ({
          ...call,
          result: { text: event.text, isError: event.isError },
        })),
      }
    case 'check': {
      const { name, ok, text } = event
      return { ...turn, checks: [...turn.checks.filter((check) => check.name !== name), { name, ok, text }] }
    }
    case 'error': {
      const { code, message, hint, willRetry } = event
      return { ...turn, error: { code, message, hint, willRetry } }
    }
    case 'done':
      return {
        ...turn,
        turnId: event.turnId,
        status: event.outcome,
        phase: null,
        error: event.outcome === 'failed' ? turn.error : null,
        reason: event.reason,
        changed: event.changed ?? turn.changed,
        usage: event.usage ?? turn.usage,
        seconds: event.seconds ?? turn.seconds,
      }
  }
}

/** A second attempt at a step begins with nothing. */
function voids(event: { phase: TurnPhase; attempt: number }): boolean {
  return event.phase === 'thinking' && event.attempt > 1
}

function withText(parts: TurnPart[], step: number, text: string): TurnPart[] {
  if (text === '') return parts
  const last = parts.at(-1)
  if (last?.kind === 'text' && last.step === step) {
    return [...parts.slice(0, -1), { ...last, text: last.text + text }]
  }
  return [...parts, { kind: 'text', step, text }]
}

function withCall(parts: TurnPart[], event: Extract<TurnEvent, { kind: 'tool_call' }>): TurnPart[] {
  const { step, id, name, permission } = event
  const use = completed(event.use, toolUseOf(name, event.arguments))
  const call: CallPart = {
    kind: 'call',
    step,
    id,
    name,
    arguments: event.arguments,
    permission: permission ?? permissionOf(use),
    use,
    gate: null,
    result: null,
  }
  const known = parts.some((part) => part.kind === 'call' && part.id === id)
  return known ? changeCall(parts, id, () => call) : [...parts, call]
}

/** What is written stands only once in an event: among the arguments. */
function completed(use: ToolUse | null, read: ToolUse | null): ToolUse | null {
  if (use?.kind !== 'write') return use ?? read
  return { ...use, content: use.content ?? (read?.kind === 'write' ? read.content : '') }
}

function changeCall(parts: TurnPart[], id: string | null, change: (call: CallPart) => CallPart): TurnPart[] {
  return parts.map((part) => (part.kind === 'call' && part.id === id ? change(part) : part))
}

function gateOf(event: Extract<TurnEvent, { kind: 'gate' }>): GateView {
  const { gate, title, detail, proposal, digest } = event
  return { gate, title, detail, proposal, digest: digest ?? null, decision: null, feedback: null }
}

function decideGate(parts: TurnPart[], event: Extract<TurnEvent, { kind: 'gate_decided' }>): TurnPart[] {
  return parts.map((part) => {
    if (part.kind !== 'call' || part.gate?.gate !== event.gate) return part
    return { ...part, gate: { ...part.gate, decision: event.decision, feedback: event.feedback } }
  })
}

function permissionOf(use: ToolUse | null): Permission | null {
  switch (use?.kind) {
    case undefined:
      return null
    case 'look':
    case 'checkpoint':
      return 'read'
    case 'write':
      return 'write'
    case 'fetch':
      return 'network'
    case 'connector':
      return use.class
    default:
      return 'execute'
  }
}

/** What a call does, as far as its name and arguments tell: the history keeps no more than those. */
export function toolUseOf(name: string, given: unknown): ToolUse | null {
  const fields = fieldsOf(given)
  const text = (key: string) => (typeof fields[key] === 'string' ? (fields[key] as string) : '')
  switch (name) {
    case 'fs_list':
    case 'fs_read':
    case 'fs_search':
      return { kind: 'look', tool: name, arguments: fields }
    case 'fs_write':
      return { kind: 'write', path: text('path'), before: null, content: text('content') }
    case 'fs_edit':
      return { kind: 'write', path: text('path'), before: '', content: text('new') }
    case 'install': {
      const packages = Array.isArray(fields.args) ? fields.args.map(String) : []
      return run([text('pkgManager'), 'install', ...packages], '', true)
    }
    case 'exec':
      return run(['sh', '-c', text('cmd')], text('cwd'), false)
    case 'dev_start':
      return { kind: 'start_dev', command: text('cmd'), port: Number(fields.port) || 0 }
    case 'dev_stop':
      return { kind: 'stop_dev' }
    case 'http_fetch':
      return { kind: 'fetch', url: text('url') }
    case 'checkpoint':
      return { kind: 'checkpoint', label: text('label') }
    default:
      return null
  }
}

function run(argv: string[], folder: string, installs: boolean): ToolUse {
  return { kind: 'run', argv, folder, timeout_ms: 0, checkpoint: '', installs }
}

/** Some models give arguments as text. */
function fieldsOf(given: unknown): Record<string, unknown> {
  if (typeof given === 'string') {
    try {
      return fieldsOf(JSON.parse(given))
    } catch {
      return {}
    }
  }
  return typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {}
}

/** A command line as people type it: what a shell is given stands without the shell. */
export function commandLine(argv: readonly string[]): string {
  if (argv[0] === 'sh' && argv[1] === '-c' && argv.length === 3) return argv[2] ?? ''
  return argv
    .map((part) => (/^[\w@%+=:,./^~-]+$/.test(part) ? part : `'${part.replaceAll("'", "'\\''")}'`))
    .join(' ')
}

/** The conversation as the server keeps it. */
export function turnsOf(history: History): TurnView[] {
  return history.turns.map((turn) => {
    const messages = history.messages.filter((message) => message.turnId === turn.turnId)
    const asked = messages.find((message) => message.role === 'user')
    const begun: TurnView = {
      ...newTurn(turn.turnId, asked?.text ?? '', asked?.attachments ?? [], turn.startedAt),
      model: turn.model,
      checkpoint: turn.checkpoint,
    }
    const events = [...eventsOf(messages), ...turn.gates.flatMap(answerOf), ...endOf(turn)]
    return { ...events.reduce(reduceTurn, begun), status: turn.status }
  })
}

function eventsOf(messages: HistoryMessage[]): TurnEvent[] {
  let step = 0
  return messages.flatMap((message): TurnEvent[] => {
    if (message.role === 'user') return []
    if (message.role === 'tool') {
      const { toolCallId, text, isError } = message
      return [{ kind: 'tool_result', step, id: toolCallId ?? '', name: '', text, isError }]
    }
    step += 1
    const calls = message.toolCalls.map(
      (call): TurnEvent => ({ kind: 'tool_call', step, ...call, permission: null, use: null }),
    )
    return [{ kind: 'token', step, text: message.text }, ...calls]
  })
}

/** A question and its answer. One without an answer is not in the history; the events of its turn tell it. */
function answerOf({ gate, callId, title, detail, decision, feedback }: HistoryGate): TurnEvent[] {
  return [
    { kind: 'gate', step: 0, callId, gate, title, detail, proposal: null },
    { kind: 'gate_decided', gate, decision, feedback },
  ]
}

function endOf(turn: HistoryTurn): TurnEvent[] {
  const checks = turn.checks.map((check): TurnEvent => ({ kind: 'check', ...check }))
  if (turn.status === 'running' || turn.status === 'waiting') return checks
  const { turnId, status, reason, hint, changed, usage, startedAt, endedAt } = turn
  const seconds = endedAt ? Math.max(0, (Date.parse(endedAt) - Date.parse(startedAt)) / 1_000) : null
  const error: TurnEvent[] =
    status === 'failed' && reason
      ? [{ kind: 'error', code: '', message: reason, hint, willRetry: false }]
      : []
  return [...checks, ...error, { kind: 'done', turnId, outcome: status, reason, changed, usage, seconds }]
}

const KINDS = new Set([
  'status',
  'token',
  'tool_call',
  'gate',
  'gate_decided',
  'tool_result',
  'check',
  'error',
  'done',
] satisfies TurnEvent['kind'][])

/** An event as it comes over the line. Kinds that are not known yet are passed over. */
export function parseTurnEvent(kind: string, data: string): TurnEvent | null {
  if (!KINDS.has(kind as TurnEvent['kind'])) return null
  try {
    const fields = JSON.parse(data) as object | null
    return fields && typeof fields === 'object' ? ({ ...fields, kind } as TurnEvent) : null
  } catch {
    return null
  }
}
