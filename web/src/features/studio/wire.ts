/** The shapes of the Studio on the wire: those of the interface, and the events and frames, which it does not describe. */
import type {
  ChangeSession,
  ConversationGate,
  ConversationMessage,
  ConversationTurn,
  MessageAttachment,
  RestoredCheckpoint,
  SessionSecret,
  StudioPermissions,
  StudioState,
  StudioTemplate,
} from '@/lib/wire'

export type {
  Checkpoint,
  Conversation as History,
  FileContent,
  FileDiff,
  FileEntry,
  FileListing,
  FileMatch,
  FileMatches,
  LocalText,
  SendMessage,
  SessionDiff,
  SharedLink,
  StudioSession,
  StudioState,
} from '@/lib/wire'

export type Template = StudioTemplate
export type SessionChange = Partial<ChangeSession>
export type Permissions = StudioPermissions
export type Restored = RestoredCheckpoint
export type HistoryMessage = ConversationMessage
export type HistoryTurn = ConversationTurn
export type HistoryGate = ConversationGate
export type Secret = SessionSecret
export type Attachment = MessageAttachment
export type DevStatus = StudioState['status']
export type StudioProblem = NonNullable<StudioState['problem']>

/** What an agent may do without asking. Looking at the project needs no permission. */
export const ASKED_PERMISSIONS = ['write', 'execute', 'network'] as const
export type AskedPermission = (typeof ASKED_PERMISSIONS)[number]
export type Permission = 'read' | 'send' | AskedPermission

export type LogSource = 'install' | 'dev' | 'command' | 'atelier'

export interface LogFrame {
  seq: number
  ts: string
  source: LogSource
  stream: 'stdout' | 'stderr'
  line: string
  /** A connection of a program to the outside, where the line is about one. */
  connection?: Connection
}

export interface Connection {
  host: string
  port: number | null
  verdict: 'allowed' | 'refused' | 'failed'
  /** Why not; null where it was allowed. */
  reason: string | null
  /** Whether it goes through once its host is among the session's allowed ones. */
  canAllow: boolean
  sentBytes: number
  receivedBytes: number
  durationMs: number
}

export interface TerminalSize {
  rows: number
  columns: number
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
  | { kind: 'connector'; server: string; tool: string; arguments: unknown; class: Permission }

export type Usage = ConversationTurn['usage']

export type TurnPhase = 'preparing' | 'thinking' | 'acting' | 'verifying' | 'remembering'
export type TurnStatus = ConversationTurn['status']
export type TurnOutcome = Exclude<TurnStatus, 'running' | 'waiting'>
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
      callId: string | null
      gate: string
      title: string
      detail: string | null
      proposal: ToolUse | null
      digest?: string
    }
  | { kind: 'gate_decided'; gate: string; decision: Decision; feedback: string | null }
  | { kind: 'tool_result'; step: number; id: string; name: string; text: string; isError: boolean }
  | { kind: 'check'; name: string; ok: boolean; text: string }
  | { kind: 'error'; code: string; message: string; hint: string | null; willRetry: boolean }
  | {
      kind: 'done'
      turnId: string
      outcome: TurnOutcome
      reason: string | null
      // Null where a turn was broken off; the conversation tells them then.
      changed: string[] | null
      usage: Usage | null
      seconds: number | null
    }
