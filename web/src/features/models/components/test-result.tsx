import { Check, CircleX } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Badge } from '@/components/ui/badge'
import { Disclosure } from '@/components/ui/disclosure'
import { formatDuration } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import type { ProviderTest } from '../wire'

/** What came of asking a provider: how fast it is and what it has, or what is wrong and what to do. */
export function TestResult({ result, model }: { result: ProviderTest; model: string }) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  return (
    <div
      className="mt-4 rounded-lg border border-line-soft bg-surface p-4 text-[0.8125rem]"
      data-testid="test-result"
    >
      <p className="flex flex-wrap items-center gap-3">
        <Badge tone={result.ok ? 'good' : 'bad'}>
          {result.ok ? <Check aria-hidden="true" /> : <CircleX aria-hidden="true" />}
          {t(result.ok ? 'test.works' : 'test.fails')}
        </Badge>
        <span className="text-muted tabular-nums">
          {t('test.latency', { time: formatDuration(result.latency_ms, language) })}
        </span>
      </p>
      {result.problem ? (
        <div className="mt-3">
          <p className="font-medium break-words">{result.problem.message}</p>
          {result.problem.hint ? <p className="mt-1 break-words text-muted">{result.problem.hint}</p> : null}
          <p className="mt-1 text-xs text-muted">{result.problem.code}</p>
        </div>
      ) : null}
      {result.has_model === false ? <p className="mt-3">{t('test.lacksModel', { model })}</p> : null}
      {result.models.length > 0 ? (
        <Disclosure title={t('test.models', { count: result.models.length })} className="mt-3">
          <ul className="max-h-56 columns-1 overflow-y-auto font-mono text-xs sm:columns-2" tabIndex={-1}>
            {result.models.map((id) => (
              <li key={id} className="break-all">
                {id}
              </li>
            ))}
          </ul>
        </Disclosure>
      ) : null}
    </div>
  )
}
