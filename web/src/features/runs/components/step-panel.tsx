import type { TFunction } from 'i18next'
import { GitFork, RotateCcw } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { CodeBlock } from '@/components/ui/code-block'
import { announce } from '@/lib/announce'
import { formatDateTime, formatDuration } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { isOver, type PlanStep, type RunDetail, type RunEvent, type Step, useRetryRun } from '../api'
import { liveOutput } from '../live-output'
import { outputOf, type StepOutput } from '../step-output'
import { AcceptanceList } from './acceptance-list'
import { GateAnswer } from './gate-answer'
import { RunErrorBox } from './run-error-box'
import { StepKindIcon, StepStatusBadge } from './status'

interface Props {
  run: RunDetail
  events: readonly RunEvent[]
  step: Step
  onFork: (afterStep: string) => void
  forking: boolean
  forkError: unknown
  /** Without its title, where that already stands above. */
  bare?: boolean
}

/** Everything about one step: what it did, what came out, whether that is what was wanted. */
export function StepPanel({ run, events, step, onFork, forking, forkError, bare = false }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const planned = plannedStep(run, step)
  const gate = run.gates.find((candidate) => candidate.name === step.name)
  const made = step.kind === 'plan' ? run.plan : null
  const kept = gate || made ? [] : outputOf(step.result)
  const outputs = step.kind === 'code' && step.result === null ? liveOutput(events, step.name) : kept
  const facts = [
    step.attempts > 1 ? t('step.attempts', { count: step.attempts }) : null,
    step.duration_ms === null ? null : formatDuration(step.duration_ms, language),
    step.started_at ? formatDateTime(step.started_at, language) : null,
  ].filter(Boolean)
  return (
    <div className="flex flex-col gap-5">
      <div>
        {bare ? null : (
          <h3 className="mb-2 text-[1.0625rem] leading-snug font-semibold tracking-[-0.02em] break-words">
            {step.title}
          </h3>
        )}
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-xs text-muted">
          <StepStatusBadge status={step.status} />
          <span className="inline-flex items-center gap-1.5">
            <StepKindIcon kind={step.kind} /> {t(`kind.${step.kind}`)}
          </span>
          {facts.map((fact) => (
            <span key={fact}>{fact}</span>
          ))}
        </div>
        {planned?.detail ? (
          <p className="mt-3 break-words whitespace-pre-wrap text-muted">{planned.detail}</p>
        ) : null}
      </div>
      {step.error ? <RunErrorBox error={step.error} /> : null}
      {step.acceptance.length > 0 ? (
        <div>
          <h4 className="mb-2 text-xs font-medium text-muted">{t('step.acceptance')}</h4>
          <AcceptanceList checks={step.acceptance} />
        </div>
      ) : null}
      {planned?.code ? <CodeBlock code={planned.code} language={planned.language} fold="long" /> : null}
      {gate ? <GateAnswer gate={gate} /> : null}
      {outputs.map((output) => (
        <CodeBlock
          key={output.kind}
          label={labelOf(output, t)}
          code={output.text}
          wrap={output.kind === 'result'}
          tone={output.kind === 'stderr' && step.status === 'failed' ? 'bad' : 'plain'}
        />
      ))}
      {made ? (
        <p className="text-muted">
          {t(`plan.by.${made.planner}`)} · {t('plan.steps', { count: made.steps.length })}
        </p>
      ) : null}
      {!planned?.code && !gate && !made && outputs.length === 0 && !step.error ? (
        <p className="text-muted">{t(step.status === 'pending' ? 'step.notYet' : 'step.noOutput')}</p>
      ) : null}
      <StepActions run={run} step={step} onFork={onFork} forking={forking} />
      {forkError ? <InlineError error={forkError} /> : null}
    </div>
  )
}

function StepActions({ run, step, onFork, forking }: Pick<Props, 'run' | 'step' | 'onFork' | 'forking'>) {
  const { t } = useTranslation()
  const retry = useRetryRun(run.id)
  const canRetry = isOver(run.status) && step.status !== 'pending'
  const canFork = step.status === 'completed' || step.status === 'skipped'
  if (!canRetry && !canFork) return null
  return (
    <>
      <div className="flex flex-wrap gap-2 border-t border-line-soft pt-4">
        {canRetry ? (
          <Button
            size="sm"
            disabled={retry.isPending}
            onClick={() =>
              retry.mutate({ stage: step.name }, { onSuccess: () => announce(t('run.retried')) })
            }
          >
            <RotateCcw /> {t('step.retryFrom')}
          </Button>
        ) : null}
        {canFork ? (
          <Button size="sm" disabled={forking} onClick={() => onFork(step.name)}>
            <GitFork /> {t('step.forkAfter')}
          </Button>
        ) : null}
      </div>
      {retry.error ? <InlineError error={retry.error} /> : null}
    </>
  )
}

function labelOf(output: StepOutput, t: TFunction): string {
  if (output.kind === 'result') return t('step.result')
  return t(output.cut ? `code.${output.kind}Cut` : `code.${output.kind}`)
}

function plannedStep(run: RunDetail, step: Step): PlanStep | undefined {
  return run.plan?.steps.find((planned) => planned.id === step.name)
}
