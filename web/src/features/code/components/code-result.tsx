import { Ban, Check, CircleX, ClockAlert, MemoryStick, ScissorsLineDashed } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Badge, type Tone } from '@/components/ui/badge'
import { CodeBlock } from '@/components/ui/code-block'
import { formatBytes, formatDuration } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import type { CodeOutcome, CodeRun } from '../api'

const LOOKS: Record<CodeOutcome, { Icon: typeof Check; tone: Tone }> = {
  completed: { Icon: Check, tone: 'good' },
  failed: { Icon: CircleX, tone: 'bad' },
  timed_out: { Icon: ClockAlert, tone: 'wait' },
  out_of_memory: { Icon: MemoryStick, tone: 'bad' },
  output_limit: { Icon: ScissorsLineDashed, tone: 'wait' },
  cancelled: { Icon: Ban, tone: 'neutral' },
}

export function OutcomeBadge({ outcome }: { outcome: CodeOutcome }) {
  const { t } = useTranslation()
  const { Icon, tone } = LOOKS[outcome]
  return (
    <Badge tone={tone}>
      <Icon aria-hidden="true" />
      {t(`outcome.${outcome}`)}
    </Badge>
  )
}

/** How a snippet ended and all it said. */
export function CodeResult({ run }: { run: CodeRun }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const facts = [
    run.exit_code === null ? null : t('code.exit', { code: run.exit_code }),
    run.signal === null ? null : t('code.signal', { signal: run.signal }),
    formatDuration(run.duration_ms, language),
    run.peak_memory_bytes === null
      ? null
      : t('code.memory', { size: formatBytes(run.peak_memory_bytes, language) }),
  ].filter((fact) => fact !== null)
  const silent = run.stdout === '' && run.stderr === ''
  return (
    <div className="flex flex-col gap-4" data-testid="code-result" data-outcome={run.outcome}>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 text-[0.8125rem] text-muted">
        <OutcomeBadge outcome={run.outcome} />
        {facts.map((fact) => (
          <span key={fact} className="tabular-nums">
            {fact}
          </span>
        ))}
      </div>
      {run.outcome === 'completed' || run.outcome === 'failed' ? null : (
        <p className="text-[0.8125rem] text-muted">{t(`outcomeHint.${run.outcome}`)}</p>
      )}
      {run.stdout ? (
        <CodeBlock label={t(run.stdout_truncated ? 'code.stdoutCut' : 'code.stdout')} code={run.stdout} />
      ) : null}
      {run.stderr ? (
        <CodeBlock
          label={t(run.stderr_truncated ? 'code.stderrCut' : 'code.stderr')}
          code={run.stderr}
          tone={run.outcome === 'completed' ? 'plain' : 'bad'}
        />
      ) : null}
      {silent ? <p className="text-muted">{t('code.silent')}</p> : null}
    </div>
  )
}
