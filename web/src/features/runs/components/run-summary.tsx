import { FileText } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { formatBytes, formatDateTime, formatDuration, formatNumber, formatUsd } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useNow } from '@/lib/use-now'
import { isOver, type RunDetail } from '../api'
import { progressOf } from '../progress'
import { outputOf } from '../step-output'

interface Props {
  run: RunDetail
  onFile: (path: string) => void
}

/** A run at a glance: what came of it, what it left behind, what it took. */
export function RunSummary({ run, onFile }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const { done, total } = progressOf(run.steps)
  const now = useNow(isOver(run.status) ? 60_000 : 1_000)
  const end = run.finished_at ? Date.parse(run.finished_at) : now
  const outcome = outputOf(run.result)[0]
  return (
    <div className="flex flex-col gap-6">
      <div>
        <h3 className="text-[1.0625rem] font-semibold tracking-[-0.02em]">{t('run.summary')}</h3>
        {outcome ? (
          <p className="mt-2 max-h-72 overflow-auto leading-relaxed break-words whitespace-pre-wrap">
            {outcome.text}
          </p>
        ) : (
          <p className="mt-2 text-muted">{t('run.pickStep')}</p>
        )}
      </div>
      {run.artifacts.length > 0 ? (
        <div>
          <h4 className="mb-2 text-xs font-medium text-muted">{t('run.files')}</h4>
          <ul className="flex flex-col gap-1">
            {run.artifacts.map((artifact) => (
              <li key={artifact.path}>
                <button
                  type="button"
                  onClick={() => onFile(artifact.path)}
                  className="flex w-full items-center gap-2.5 rounded-lg px-2 py-1.5 text-left hover:bg-sunken"
                >
                  <FileText className="size-4 shrink-0 text-muted" aria-hidden="true" />
                  <span className="min-w-0 flex-1 truncate font-medium">{artifact.path}</span>
                  <span className="text-xs text-muted">{formatBytes(artifact.size, language)}</span>
                </button>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
      <dl className="grid grid-cols-2 gap-x-6 gap-y-4 border-t border-line-soft pt-5">
        <Fact name={t('run.stepsDone')}>{t('today.progress', { done, total })}</Fact>
        <Fact name={t('run.time')}>{formatDuration(end - Date.parse(run.created_at), language)}</Fact>
        <Fact name={t('run.cost')}>
          {run.cost.tokens_in + run.cost.tokens_out > 0
            ? formatUsd(run.cost.usd, language)
            : t('run.noModel')}
        </Fact>
        <Fact name={t('run.tokens')}>
          {t('run.tokensInOut', {
            in: formatNumber(run.cost.tokens_in, language),
            out: formatNumber(run.cost.tokens_out, language),
          })}
        </Fact>
        <Fact name={t('run.created')}>{formatDateTime(run.created_at, language)}</Fact>
        {run.finished_at ? (
          <Fact name={t('run.finished')}>{formatDateTime(run.finished_at, language)}</Fact>
        ) : null}
      </dl>
    </div>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="mt-0.5 font-medium tabular-nums">{children}</dd>
    </div>
  )
}
