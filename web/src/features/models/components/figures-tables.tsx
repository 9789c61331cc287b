import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { Section } from '@/components/states/page'
import { Card } from '@/components/ui/card'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { formatDuration, formatNumber, formatUsd } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import type { Figures, Usage } from '../wire'

interface Row extends Figures {
  key: string
  name: string
}

/** The figures by provider, by model and by who asked. */
export function FiguresTables({ usage }: { usage: Usage }) {
  const { t } = useTranslation('models')
  return (
    <Section title={t('usage.details')}>
      <div className="flex flex-col gap-4">
        <FiguresTable
          title={t('usage.byProvider')}
          rows={usage.by_provider.map((row) => ({ ...row, key: row.provider, name: row.provider }))}
        />
        <FiguresTable
          title={t('usage.byModel')}
          rows={usage.by_model.map((row) => {
            const name = `${row.provider}/${row.model}`
            return { ...row, key: name, name }
          })}
        />
        <FiguresTable
          title={t('usage.byToken')}
          rows={usage.by_token.map((row) => ({ ...row, key: row.token_id ?? '', name: row.name }))}
        />
      </div>
    </Section>
  )
}

function FiguresTable({ title, rows }: { title: string; rows: Row[] }) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const id = useId()
  if (rows.length === 0) return null
  const number = (value: number) => formatNumber(value, language)
  const time = (ms: number | undefined) => (ms === undefined ? '–' : formatDuration(ms, language))
  const columns: { name: string; value: (row: Row) => string }[] = [
    { name: t('figure.requests'), value: (row) => number(row.requests) },
    { name: t('figure.failures'), value: (row) => number(row.failures) },
    { name: t('figure.fallbacks'), value: (row) => number(row.fallbacks) },
    { name: t('figure.tokensIn'), value: (row) => number(row.tokens_in) },
    { name: t('figure.tokensOut'), value: (row) => number(row.tokens_out) },
    {
      name: t('figure.cost'),
      value: (row) => `${row.is_estimated ? '≈ ' : ''}${formatUsd(row.usd, language)}`,
    },
    { name: t('percentile.p50'), value: (row) => time(row.latency_ms?.p50) },
    { name: t('percentile.p95'), value: (row) => time(row.latency_ms?.p95) },
    { name: t('percentile.p99'), value: (row) => time(row.latency_ms?.p99) },
  ]
  return (
    <Card className="overflow-hidden">
      <h3 id={id} className="px-4 pt-4 pb-1 text-[0.8125rem] font-semibold sm:px-5">
        {title}
      </h3>
      <ScrollRegion labelledBy={id}>
        <table className="w-full border-collapse text-[0.8125rem] tabular-nums">
          <thead>
            <tr className="text-xs text-muted">
              <th scope="col" className="px-4 py-2 text-left font-medium sm:px-5">
                {t('figure.name')}
              </th>
              {columns.map((column) => (
                <th
                  key={column.name}
                  scope="col"
                  className="px-3 py-2 text-right font-medium whitespace-nowrap"
                >
                  {column.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.key} className="border-t border-line-soft">
                <th scope="row" className="px-4 py-2 text-left font-medium sm:px-5">
                  {row.name}
                </th>
                {columns.map((column) => (
                  <td key={column.name} className="px-3 py-2 text-right whitespace-nowrap">
                    {column.value(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollRegion>
    </Card>
  )
}
