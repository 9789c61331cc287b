import { Link } from '@tanstack/react-router'
import { Check, FastForward, Hand, RotateCcw, X } from 'lucide-react'
import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Textarea } from '@/components/ui/field'
import { announce } from '@/lib/announce'
import { formatAgo } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useNow } from '@/lib/use-now'
import { type Artifact, type Gate, type GateDecision, useDecideGate, useRetryRun } from '../api'
import { readProposal } from '../read-proposal'
import { Proposal } from './proposal'

interface Props {
  runId: string
  gate: Gate
  /** The files of the run. */
  artifacts: readonly Artifact[]
  /** Where the card stands among others, away from its run, it says which run asks and is brief. */
  runTitle?: string
}

/** A question a run has for a person, with everything needed to answer it. */
export function GateCard({ runId, gate, artifacts, runTitle }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const now = useNow(30_000)
  const id = useId()
  // Of a review, the detail is once more the list of what to judge.
  const listed = readProposal(gate.proposal).some((part) => part.kind === 'criteria')
  return (
    <article
      aria-labelledby={`${id}-title`}
      className="animate-rise rounded-2xl border border-dashed border-slate bg-surface p-5 shadow-card sm:p-6"
    >
      <div className="flex items-start gap-4">
        <span
          className="grid size-10 shrink-0 place-items-center rounded-full bg-wait-soft text-wait"
          aria-hidden="true"
        >
          <Hand className="size-5" />
        </span>
        <div className="min-w-0 flex-1">
          <p className="text-xs text-muted">
            {runTitle ? (
              <Link
                to="/runs/$id"
                params={{ id: runId }}
                className="rounded font-medium text-link underline decoration-line underline-offset-4 hover:decoration-current"
              >
                {runTitle}
              </Link>
            ) : (
              t('gate.waiting')
            )}
            {' · '}
            {formatAgo(gate.opened_at, now, language)}
          </p>
          <h3
            id={`${id}-title`}
            className="mt-1 text-[1.0625rem] leading-snug font-semibold tracking-[-0.02em] break-words"
          >
            {gate.title}
          </h3>
          {gate.detail && !listed ? (
            <p className="mt-2 break-words whitespace-pre-wrap text-muted">{gate.detail}</p>
          ) : null}
        </div>
      </div>
      <div className="mt-5">
        <Proposal runId={runId} gate={gate} artifacts={artifacts} brief={runTitle !== undefined} />
      </div>
      <Answer key={gate.digest} runId={runId} gate={gate} />
    </article>
  )
}

function Answer({ runId, gate }: { runId: string; gate: Gate }) {
  const { t } = useTranslation()
  const id = useId()
  const [feedback, setFeedback] = useState('')
  const decide = useDecideGate(runId)
  const retry = useRetryRun(runId)
  const busy = decide.isPending || retry.isPending
  const error = decide.error ?? retry.error

  // `mutateAsync`, since the card is often gone before its answer has come back: callbacks of `mutate` go with it.
  function answer(decision: GateDecision) {
    retry.reset()
    decide
      .mutateAsync({ gate: gate.name, decision, digest: gate.digest, feedback: feedback.trim() || undefined })
      .then(() => leave(t(`gate.done.${decision}`)), shownBelow)
  }

  function again() {
    decide.reset()
    retry.mutateAsync({ stage: gate.stage ?? gate.name }).then(() => leave(t('gate.done.retry')), shownBelow)
  }

  return (
    <div className="mt-5">
      <label htmlFor={`${id}-feedback`} className="text-[0.8125rem] font-medium">
        {t('gate.feedback')}
      </label>
      <Textarea
        id={`${id}-feedback`}
        rows={1}
        className="mt-1.5 !min-h-10"
        placeholder={t('gate.feedbackPlaceholder')}
        value={feedback}
        onChange={(event) => setFeedback(event.target.value)}
      />
      {error ? <InlineError error={error} className="mt-3" /> : null}
      <div className="mt-4 flex flex-wrap gap-2">
        <Button variant="primary" disabled={busy} onClick={() => answer('approve')}>
          <Check /> {t('gate.approve')}
        </Button>
        <Button disabled={busy} onClick={() => answer('skip')}>
          <FastForward /> {t('gate.skip')}
        </Button>
        <Button disabled={busy} onClick={again}>
          <RotateCcw /> {t('gate.retry')}
        </Button>
        <Button variant="danger" disabled={busy} onClick={() => answer('reject')}>
          <X /> {t('gate.reject')}
        </Button>
      </div>
    </div>
  )
}

/** The card goes away with its answer; the focus must not go with it. */
function leave(said: string): void {
  announce(said)
  setTimeout(() => {
    if (document.activeElement !== document.body) return
    document.querySelector<HTMLElement>('#main h1')?.focus({ preventScroll: true })
  })
}

/** The error of a mutation stands beside its buttons; nothing more is to be done about it. */
function shownBelow(): void {}
