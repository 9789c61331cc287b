import {
  Check as CheckIcon,
  CircleAlert,
  CircleStop,
  FileDiff,
  LoaderCircle,
  Paperclip,
  Pencil,
  RotateCcw,
  Undo2,
  X,
} from 'lucide-react'
import { lazy, Suspense, useDeferredValue, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Badge } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { Confirm } from '@/components/ui/confirm'
import { CopyButton } from '@/components/ui/copy-button'
import { Disclosure } from '@/components/ui/disclosure'
import { announce } from '@/lib/announce'
import { formatDuration, formatNumber, formatUsd } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useNow } from '@/lib/use-now'
import { type GateAnswer, useRestoreCheckpoint } from '../api'
import { type Check, isOver, type TurnView } from '../turn-view'
import type { StudioSession } from '../wire'
import { GatePrompt } from './gate-prompt'
import { ToolCall, useCallTitle } from './tool-call'

const Markdown = lazy(() => import('@/components/ui/markdown'))

interface Props {
  session: StudioSession
  turn: TurnView
  isLast: boolean
  /** The state of the files before the turn after this one. */
  next: string | undefined
  /** Nothing else is under way. */
  canChange: boolean
  onDecide: (answer: GateAnswer) => Promise<boolean>
  onEdit: () => void
  onRetry?: () => void
  onOpenFile: (path: string, line?: string) => void
  onChanges: (from: string | undefined, to: string | undefined) => void
  onPreview: () => void
}

/** A message and everything the assistant said and did about it. */
export function TurnCard(props: Props) {
  const { session, turn, canChange, onDecide, onEdit, onOpenFile } = props
  const { t } = useTranslation('studio')
  const over = isOver(turn)
  return (
    <article data-testid="turn" data-status={turn.status} aria-busy={!over} className="flex flex-col gap-3">
      <div className="group flex items-center justify-end gap-1">
        {over && canChange ? (
          <button
            type="button"
            onClick={onEdit}
            aria-label={t('reply.edit')}
            title={t('reply.edit')}
            className="grid size-8 shrink-0 place-items-center rounded-lg text-muted opacity-0 transition-opacity group-hover:opacity-100 hover:bg-sunken hover:text-ink focus-visible:opacity-100 [@media(hover:none)]:opacity-100"
          >
            <Pencil className="size-3.5" aria-hidden="true" />
          </button>
        ) : null}
        <div className="max-w-[88%] min-w-0 rounded-2xl rounded-br-md bg-primary-soft px-4 py-2.5">
          <p className="sr-only">{t('reply.you')}</p>
          <p className="break-words whitespace-pre-wrap">{turn.question}</p>
          {turn.attachments.length > 0 ? (
            <p className="mt-1.5 flex flex-wrap items-center gap-x-2 text-xs text-muted">
              <Paperclip className="size-3" aria-hidden="true" /> {turn.attachments.join(', ')}
            </p>
          ) : null}
        </div>
      </div>
      <div className="flex min-w-0 flex-col gap-2.5">
        <h2 className="sr-only">{t('reply.assistant')}</h2>
        {turn.parts.map((part) =>
          part.kind === 'text' ? (
            <AnswerText key={`text-${part.step}-${turn.parts.indexOf(part)}`} text={part.text} />
          ) : (
            <div key={part.id} className="flex flex-col gap-2.5">
              <ToolCall call={part} isRunning={!over && part.result === null} onOpenFile={onOpenFile} />
              {part.gate && part.gate.decision === null && !over ? (
                <GatePrompt session={session} call={part} gate={part.gate} onDecide={onDecide} />
              ) : null}
            </div>
          ),
        )}
        {turn.checks.length > 0 ? <Checks checks={turn.checks} /> : null}
        {turn.error ? <Problem error={turn.error} /> : null}
        {over ? <Ending {...props} /> : <Working turn={turn} />}
      </div>
    </article>
  )
}

/** What went wrong, and what to do about it. While it is tried again by itself, it is no more than a remark. */
function Problem({ error }: { error: NonNullable<TurnView['error']> }) {
  const { t } = useTranslation('studio')
  if (error.willRetry) {
    return (
      <p className="text-[0.8125rem] text-muted">
        {error.message} {t('reply.again')}
      </p>
    )
  }
  return (
    <div role="alert" className="flex gap-3 rounded-lg bg-bad-soft p-3 text-[0.8125rem]">
      <CircleAlert className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden="true" />
      <div className="min-w-0">
        <p className="font-medium break-words">{error.message}</p>
        {error.hint ? <p className="mt-1 break-words">{error.hint}</p> : null}
      </div>
    </div>
  )
}

function AnswerText({ text }: { text: string }) {
  // Drawing long Markdown anew for each word would hold up the page; it may lag behind a little.
  const shown = useDeferredValue(text)
  return (
    <Suspense fallback={<p className="break-words whitespace-pre-wrap">{shown}</p>}>
      <Markdown
        text={shown}
        className="!text-sm !leading-relaxed"
        renderImage={(source, alt) => <span className="text-muted">[{alt || source}]</span>}
      />
    </Suspense>
  )
}

/** What the assistant is doing now, and for how long. */
function Working({ turn }: { turn: TurnView }) {
  const { t } = useTranslation('studio')
  const language = useLanguage()
  const now = useNow(1_000)
  const titleOf = useCallTitle()
  const call = turn.parts.findLast((part) => part.kind === 'call' && part.result === null)
  const waits = turn.status === 'waiting'
  const text = waits
    ? t('reply.waits')
    : turn.phase?.phase === 'acting' && call?.kind === 'call'
      ? `${titleOf(call, true).text}…`
      : t(`phase.${turn.phase?.phase ?? 'preparing'}`)
  return (
    <p className="flex items-center gap-2 text-[0.8125rem] text-muted" data-testid="working">
      {waits ? null : <LoaderCircle className="size-3.5 shrink-0 animate-spin" aria-hidden="true" />}
      <span role="status" className="min-w-0 truncate">
        {text}
        {turn.phase && turn.phase.attempt > 1 ? ` ${t('reply.attempt', { count: turn.phase.attempt })}` : ''}
      </span>
      <span className="ml-auto shrink-0 tabular-nums">
        {formatDuration(
          Math.max(0, Math.floor((now - Date.parse(turn.startedAt)) / 1_000)) * 1_000,
          language,
        )}
      </span>
    </p>
  )
}

/** What was found when the work was looked over. */
function Checks({ checks }: { checks: readonly Check[] }) {
  const { t } = useTranslation('studio')
  return (
    <ul
      aria-label={t('reply.checks')}
      className="flex flex-col gap-1 rounded-lg border border-line-soft bg-surface px-3 py-2"
    >
      {checks.map((check) => (
        <li key={check.name} className="flex items-start gap-2 text-[0.8125rem]">
          {check.ok ? (
            <CheckIcon className="mt-0.5 size-4 shrink-0 text-good" aria-hidden="true" />
          ) : (
            <X className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden="true" />
          )}
          <div className="min-w-0 flex-1">
            <span className="sr-only">{t(check.ok ? 'reply.passed' : 'reply.failedCheck')}: </span>
            <CheckText check={check} />
          </div>
        </li>
      ))}
    </ul>
  )
}

function CheckText({ check }: { check: Check }) {
  const { t } = useTranslation('studio')
  const name = t(`check.${check.name}` as 'check.build', { defaultValue: check.name })
  if (!check.text.trim()) return name
  return (
    <Disclosure title={name} open={!check.ok} className="[&_summary]:text-ink">
      <pre
        className="max-h-60 overflow-auto font-mono text-xs whitespace-pre-wrap text-muted"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
      >
        {check.text}
      </pre>
    </Disclosure>
  )
}

/** How a turn ended, what it changed and cost, and what can be done about it. */
function Ending(props: Props) {
  const { session, turn, isLast, next, canChange, onRetry, onOpenFile, onChanges } = props
  const { t } = useTranslation('studio')
  const language = useLanguage()
  const { usage, changed, checkpoint } = turn
  const answer = turn.parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('\n\n')
  const facts = [
    usage && usage.tokensIn + usage.tokensOut > 0
      ? t('reply.tokens', {
          count: usage.tokensIn + usage.tokensOut,
          tokens: formatNumber(usage.tokensIn + usage.tokensOut, language),
        })
      : null,
    usage && usage.usd > 0 ? formatUsd(usage.usd, language) : null,
    turn.seconds === null ? null : formatDuration(turn.seconds * 1_000, language),
    turn.model,
  ].filter((fact) => fact !== null && fact !== '')
  return (
    <footer className="flex flex-col gap-2">
      {turn.status === 'finished' ? null : (
        <p className="flex flex-wrap items-center gap-2 text-[0.8125rem] text-muted">
          <Badge tone={turn.status === 'failed' ? 'bad' : turn.status === 'limit' ? 'wait' : 'neutral'}>
            {turn.status === 'stopped' ? (
              <CircleStop aria-hidden="true" />
            ) : (
              <CircleAlert aria-hidden="true" />
            )}
            {t(`reply.outcome.${turn.status as 'stopped' | 'failed' | 'limit'}`)}
          </Badge>
          {turn.error ? null : turn.reason}
        </p>
      )}
      {changed.length > 0 ? (
        <div className="rounded-lg border border-line-soft bg-surface p-3">
          <Disclosure
            title={t('reply.changed', { count: changed.length })}
            open={changed.length <= 4}
            className="[&_summary]:font-medium [&_summary]:text-ink"
          >
            <ul className="flex flex-col">
              {changed.map((path) => (
                <li key={path}>
                  <button
                    type="button"
                    onClick={() => onOpenFile(path)}
                    className="max-w-full truncate rounded py-0.5 font-mono text-xs text-link underline decoration-line underline-offset-4 hover:decoration-current"
                  >
                    {path}
                  </button>
                </li>
              ))}
            </ul>
          </Disclosure>
          {checkpoint ? (
            <div className="mt-2.5 flex flex-wrap gap-2">
              <Button size="sm" onClick={() => onChanges(checkpoint, next)}>
                <FileDiff /> {t('reply.seeChanges')}
              </Button>
              <Undo sessionId={session.sessionId} checkpoint={checkpoint} disabled={!canChange} />
            </div>
          ) : null}
        </div>
      ) : null}
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted">
        {facts.map((fact) => (
          <span key={fact} className="tabular-nums">
            {fact}
          </span>
        ))}
        <span className="ml-auto flex items-center">
          {isLast && canChange && onRetry ? (
            <Button variant="ghost" size="sm" className="!h-7 !px-2 text-muted" onClick={onRetry}>
              <RotateCcw /> {t('reply.retry')}
            </Button>
          ) : null}
          {answer ? <CopyButton text={answer} /> : null}
        </span>
      </div>
    </footer>
  )
}

/** Puts the files back to what they were before a turn; and that can be taken back as well. */
function Undo({
  sessionId,
  checkpoint,
  disabled,
}: {
  sessionId: string
  checkpoint: string
  disabled: boolean
}) {
  const { t } = useTranslation('studio')
  const restore = useRestoreCheckpoint(sessionId)
  const [before, setBefore] = useState<string | null>(null)

  function go(to: string, isUndo: boolean) {
    restore.mutate(to, {
      onSuccess(restored) {
        setBefore(isUndo ? restored.before.id : null)
        announce(t(isUndo ? 'reply.undone' : 'reply.redone'))
      },
    })
  }

  if (before) {
    return (
      <span className="inline-flex items-center gap-2 text-[0.8125rem] text-good">
        <CheckIcon className="size-4" aria-hidden="true" /> {t('reply.undone')}
        <Button variant="ghost" size="sm" disabled={restore.isPending} onClick={() => go(before, false)}>
          {t('reply.redo')}
        </Button>
      </span>
    )
  }
  return (
    <>
      <Confirm
        trigger={
          <Button size="sm" disabled={disabled || restore.isPending}>
            <Undo2 /> {t('reply.undo')}
          </Button>
        }
        title={t('reply.undoTitle')}
        detail={t('reply.undoDetail')}
        action={t('reply.undo')}
        keep={t('act.cancel')}
        onConfirm={() => go(checkpoint, true)}
      />
      {restore.error ? <InlineError error={restore.error} className="basis-full" /> : null}
    </>
  )
}
