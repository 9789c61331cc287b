import { useQuery } from '@tanstack/react-query'
import { Check, FastForward, Hand, X } from 'lucide-react'
import { useEffect, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/button'
import { CodeBlock } from '@/components/ui/code-block'
import { Input } from '@/components/ui/field'
import { Skeleton } from '@/components/ui/skeleton'
import { Switch } from '@/components/ui/switch'
import { announce } from '@/lib/announce'
import { fileQuery, type GateAnswer, isCode, useChangeSession } from '../api'
import { diffTexts } from '../line-diff'
import { type CallPart, commandLine, type GateView } from '../turn-view'
import {
  ASKED_PERMISSIONS,
  type AskedPermission,
  type Decision,
  type StudioSession,
  type ToolUse,
} from '../wire'
import { DiffLines } from './diff-lines'

interface Props {
  session: StudioSession
  call: CallPart
  gate: GateView
  onDecide: (answer: GateAnswer) => Promise<boolean>
}

/** A question before something is done: exactly what it is, and the answers. */
export function GatePrompt({ session, call, gate, onDecide }: Props) {
  const { t } = useTranslation('studio')
  const id = useId()
  const change = useChangeSession(session.sessionId)
  const [feedback, setFeedback] = useState('')
  const [always, setAlways] = useState(false)
  const [sent, setSent] = useState(false)
  // A tool of another server is allowed by its own grant, never by a rule of the session.
  const asked: AskedPermission | null =
    call.use?.kind === 'connector'
      ? null
      : (ASKED_PERMISSIONS.find((kind) => kind === call.permission) ?? null)

  useEffect(() => announce(`${t('reply.waits')} ${gate.title}`), [gate.title, t])

  async function decide(decision: Decision) {
    setSent(true)
    if (decision === 'approve' && always && asked) {
      await change.mutateAsync({ permissions: { ...session.permissions, [asked]: 'allow' } }).catch(() => {})
    }
    const answer: GateAnswer = { gate: gate.gate, decision }
    if (feedback.trim()) answer.feedback = feedback.trim()
    if (gate.digest) answer.digest = gate.digest
    if (!(await onDecide(answer))) setSent(false)
  }

  return (
    <section
      aria-labelledby={`${id}-title`}
      data-testid="gate"
      className="animate-rise rounded-xl border border-dashed border-slate bg-surface p-4 shadow-card"
    >
      <div className="flex items-start gap-3">
        <span
          className="grid size-8 shrink-0 place-items-center rounded-full bg-wait-soft text-wait"
          aria-hidden="true"
        >
          <Hand className="size-4" />
        </span>
        <div className="min-w-0 flex-1">
          <h3 id={`${id}-title`} className="font-semibold tracking-tight break-words">
            {gate.title}
          </h3>
          {gate.detail ? (
            <p className="mt-1 text-[0.8125rem] break-words whitespace-pre-wrap text-muted">{gate.detail}</p>
          ) : null}
        </div>
      </div>
      <div className="mt-3">
        <Proposed sessionId={session.sessionId} use={gate.proposal ?? call.use} given={call.arguments} />
      </div>
      <Input
        aria-label={t('ask.note')}
        placeholder={t('ask.note')}
        value={feedback}
        onChange={(event) => setFeedback(event.target.value)}
        className="mt-3 !h-9 text-[0.8125rem]"
      />
      {asked ? (
        <label htmlFor={`${id}-always`} className="mt-3 flex items-center gap-2.5 text-[0.8125rem]">
          <Switch id={`${id}-always`} checked={always} onChange={setAlways} />
          {t(`ask.always.${asked}`)}
        </label>
      ) : null}
      <div className="mt-4 flex flex-wrap gap-2">
        <Button variant="primary" size="sm" disabled={sent} onClick={() => void decide('approve')}>
          <Check /> {t('ask.approve')}
        </Button>
        <Button size="sm" disabled={sent} onClick={() => void decide('skip')}>
          <FastForward /> {t('ask.skip')}
        </Button>
        <Button variant="danger" size="sm" disabled={sent} onClick={() => void decide('reject')}>
          <X /> {t('ask.reject')}
        </Button>
      </div>
    </section>
  )
}

/** Exactly what will be done. */
function Proposed({ sessionId, use, given }: { sessionId: string; use: ToolUse | null; given: unknown }) {
  const { t } = useTranslation('studio')
  switch (use?.kind) {
    case 'write':
      return <ProposedWrite sessionId={sessionId} use={use} />
    case 'run':
      return (
        <>
          <CodeBlock code={commandLine(use.argv)} language="shell" label={use.folder || undefined} wrap />
          <p className="mt-1.5 text-xs text-muted">
            {t(use.installs ? 'ask.installs' : 'ask.time', { seconds: Math.round(use.timeout_ms / 1_000) })}
          </p>
        </>
      )
    case 'start_dev':
      return <CodeBlock code={use.command} language="shell" wrap />
    case 'fetch':
      return <CodeBlock code={use.url} label={t('ask.address')} wrap />
    default:
      return <CodeBlock code={JSON.stringify(use ?? given, null, 2)} label="JSON" wrap />
  }
}

function ProposedWrite({ sessionId, use }: { sessionId: string; use: Extract<ToolUse, { kind: 'write' }> }) {
  const { t } = useTranslation('studio')
  const present = useQuery({ ...fileQuery(sessionId, use.path), enabled: use.before !== null })
  if (use.before !== null && present.isPending) return <Skeleton className="h-24" />
  const isNew = use.before === null || isCode(present.error, 'file_not_found')
  if (!isNew && !present.data) return <CodeBlock code={use.content} label={use.path} fold="long" />
  return (
    <div>
      <DiffLines
        label={use.path}
        hunks={diffTexts(present.data && !isNew ? present.data.content : '', use.content)}
        caption={isNew ? t('ask.newFile') : undefined}
        layout="unified"
      />
      {present.data && use.before && present.data.version !== use.before ? (
        <p role="alert" className="mt-1.5 text-xs text-bad">
          {t('ask.changedSince')}
        </p>
      ) : null}
    </div>
  )
}
