/** The shapes of the Studio on the wire. */

export interface LocalText {
  en: string
  'pt-BR': string
}

export interface Template {
  name: string
  title: LocalText
  description: LocalText
  framework: string
  packageManager: string
}

/** What an agent may do without asking. Looking at the project needs no permission. */
export const ASKED_PERMISSIONS = ['write', 'execute', 'network'] as const
export type AskedPermission = (typeof ASKED_PERMISSIONS)[number]
export type Permission = 'read' | AskedPermission
export type Permissions = Record<AskedPermission, 'allow' | 'ask'>

export interface StudioSession {
  sessionId: string
  name: string
  template: string
  previewUrl: string | null
  allowedHosts: string[]
  permissions?: Permissions
  model?: string | null
  createdAt: string
  updatedAt: string
}

export interface SessionChange {
  name?: string
  allowedHosts?: string[]
  permissions?: Partial<Permissions>
  model?: string | null
}

export type DevStatus = 'stopped' | 'installing' | 'starting' | 'running' | 'failed'

export interface StudioProblem {
  code: string
  message: string
  hint: string | null
}

export interface StudioState {
  status: DevStatus
  problem: StudioProblem | null
  previewUrl: string | null
  container: { id: string; port: number | null; memoryBytes: number | null; cpuMs: number | null }
  snapshot: {
    packageManager: string | null
    framework: string | null
    devCommand: string | null
    port: number | null
  }
}

export interface FileEntry {
  name: string
  path: string
  type: 'file' | 'dir' | 'link' | 'other'
  size: number
}

export interface FileListing {
  entries: FileEntry[]
  truncated: boolean
}

export interface FileContent {
  path: string
  content: string
  binary: boolean
  size: number
  version: string
}

export interface FileMatch {
  path: string
  line: number
  column: number
  text: string
}

export interface FileMatches {
  matches: FileMatch[]
  truncated: boolean
}

export interface Checkpoint {
  id: string
  label: string
  kind: 'manual' | 'before_change' | 'after_change' | 'restore'
  createdAt: string
  files: number
  bytes: number
  leftOut: string[]
}

export interface Restored {
  before: Checkpoint
  written: number
  removed: number
}

export interface FileDiff {
  path: string
  oldPath: string | null
  status: 'added' | 'removed' | 'changed' | 'renamed'
  binary: boolean
  additions: number
  deletions: number
  patch: string | null
}

export interface SessionDiff {
  files: FileDiff[]
  totalFiles: number
}

export type LogSource = 'install' | 'dev' | 'command' | 'atelier'

export interface LogFrame {
  seq: number
  ts: string
  source: LogSource
  stream: 'stdout' | 'stderr'
  line: string
}

/** What exactly a tool will do, or has done. */
export type ToolUse =
  | { kind: 'look'; tool: string; arguments: unknown }
  | { kind: 'write'; path: string; before: string | null; content: string }
  | { kind: 'run'; argv: string[]; folder: string; timeout_ms: number; checkpoint: string; installs: boolean }
  | { kind: 'start_dev'; command: string; port: number }
  | { kind: 'stop_dev' }
  | { kind: 'fetch'; url: string }
  | { kind: 'checkpoint'; label: string }

export interface Usage {
  tokensIn: number
  tokensOut: number
  usd: number
}

export type TurnPhase = 'preparing' | 'thinking' | 'acting' | 'verifying' | 'remembering'
export type TurnOutcome = 'finished' | 'stopped' | 'failed' | 'limit'
export type TurnStatus = 'running' | 'waiting' | TurnOutcome
export type Decision = 'approve' | 'skip' | 'reject'

export type TurnEvent =
  | { kind: 'status'; turnId: string; phase: TurnPhase; step: number; attempt: number }
  | { kind: 'token'; step: number; text: string }
  | {
      kind: 'tool_call'
      step: number
      id: string
      name: string
      arguments: unknown
      permission: Permission | null
      use: ToolUse | null
    }
  | {
      kind: 'gate'
      step: number
      callId: string
      gate: string
      title: string
      detail: string | null
      proposal: ToolUse | null
      digest?: string
    }
  | { kind: 'gate_decided'; gate: string; decision: Decision; feedback: string | null }
  | { kind: 'tool_result'; step: number; id: string; name: string; text: string; isError: boolean }
  | { kind: 'check'; name: string; ok: boolean; text: string }
  | { kind: 'error'; code: string; message: string; hint: string | null }
  | {
      kind: 'done'
      turnId: string
      outcome: TurnOutcome
      reason: string | null
      checkpoint: string | null
      changed: string[]
      usage: Usage
      seconds: number
    }

export interface HistoryMessage {
  turnId: string
  role: 'user' | 'assistant' | 'tool'
  text: string
  attachments: string[]
  toolCalls: { id: string; name: string; arguments: unknown }[]
  toolCallId: string | null
  isError: boolean
  createdAt: string
}

export interface HistoryTurn {
  turnId: string
  status: TurnStatus
  reason: string | null
  model: string | null
  checkpoint: string | null
  changed: string[]
  usage: Usage | null
  startedAt: string
  endedAt: string | null
}

export interface History {
  messages: HistoryMessage[]
  turns: HistoryTurn[]
}

export interface Attachment {
  name: string
  content: string
}

export interface SendMessage {
  text: string
  model?: string
  attachments?: Attachment[]
  /** The turn that this one takes the place of; the files go back to what they were before it. */
  replaces?: string
}
