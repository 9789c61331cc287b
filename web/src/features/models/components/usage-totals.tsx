import { useTranslation } from 'react-i18next'
import { Card } from '@/components/ui/card'
import { formatDuration, formatNumber, formatUsd } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import type { Figures } from '../wire'

/** The figures of the whole range at a glance. */
export function UsageTotals({ totals }: { totals: Figures }) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const number = (value: number) => formatNumber(value, language)
  const facts = [
    {
      name: t('figure.requests'),
      value: number(totals.requests),
      detail: t('figure.cachedOf', { count: totals.cached, cached: number(totals.cached) }),
    },
    {
      name: t('figure.tokens'),
      value: formatCompact(totals.tokens_in + totals.tokens_out, language),
      detail: t('figure.inOut', {
        in: formatCompact(totals.tokens_in, language),
        out: formatCompact(totals.tokens_out, language),
      }),
    },
    {
      name: t('figure.cost'),
      value: formatUsd(totals.usd, language),
      detail: totals.is_estimated ? t('figure.estimated') : t('figure.exact'),
    },
    {
      name: t('figure.latency'),
      value: totals.latency_ms ? formatDuration(totals.latency_ms.p50, language) : '–',
      detail: totals.first_content_ms
        ? t('figure.firstWord', { time: formatDuration(totals.first_content_ms.p50, language) })
        : '',
    },
    {
      name: t('figure.failures'),
      value: number(totals.failures),
      detail: t('figure.share', {
        share: formatNumber(shareOf(totals.failures, totals.requests), language, 1),
      }),
    },
    {
      name: t('figure.fallbacks'),
      value: number(totals.fallbacks),
      detail: t('figure.share', {
        share: formatNumber(shareOf(totals.fallbacks, totals.requests), language, 1),
      }),
    },
  ]
  return (
    <Card>
      <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-xl bg-line-soft sm:grid-cols-3 xl:grid-cols-6">
        {facts.map((fact) => (
          <div key={fact.name} className="bg-surface p-4 sm:p-5">
            <dt className="text-xs text-muted">{fact.name}</dt>
            <dd className="mt-1 text-xl font-semibold tracking-tight tabular-nums">{fact.value}</dd>
            <dd className="mt-0.5 text-xs text-muted">{fact.detail}</dd>
          </div>
        ))}
      </dl>
    </Card>
  )
}

function shareOf(part: number, whole: number): number {
  return whole > 0 ? (part / whole) * 100 : 0
}

/** "1.2M": for large numbers of which nobody counts the last digits. */
export function formatCompact(value: number, language: string): string {
  return new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 }).format(value)
}
