import { useTranslation } from 'react-i18next'
import { Section } from '@/components/states/page'
import { formatDuration, formatUsd } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { bucketsOf, latencyOf, namesOf, seriesOf } from '../usage-series'
import type { Usage } from '../wire'
import { LatencyLines, StackedBars } from './plots'
import { formatCompact } from './usage-totals'

const COUNTS = ['requests', 'tokens', 'usd', 'failures', 'fallbacks'] as const

interface Props {
  usage: Usage
  /** The providers that are set up, in their order. */
  known: string[]
}

/** What each provider did, hour by hour or day by day. */
export function UsagePlots({ usage, known }: Props) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const names = namesOf(usage, known)
  const columns = bucketsOf(usage).map((start) => columnOf(start, usage.bucket, language))
  const answered = names.filter((name) => latencyOf(usage, name).some((value) => value !== null))
  const amount = (count: (typeof COUNTS)[number], value: number) =>
    count === 'usd' ? formatUsd(value, language) : formatCompact(value, language)
  return (
    <>
      <Section title={t('usage.plots')} aside={t(`usage.per.${usage.bucket}`)}>
        <div className="grid gap-4 lg:grid-cols-2">
          {COUNTS.map((count) => {
            const series = seriesOf(usage, count, names)
            const sum = series.reduce(
              (all, one) => all + one.values.reduce((some, value) => some + value, 0),
              0,
            )
            return (
              <div key={count} className={count === 'requests' ? 'min-w-0 lg:col-span-2' : 'min-w-0'}>
                <StackedBars
                  title={t(`plot.${count}`)}
                  summary={t('plot.summary', { total: amount(count, sum), providers: series.length })}
                  columns={columns}
                  series={series}
                  format={(value) => amount(count, value)}
                  whole={count !== 'usd'}
                />
              </div>
            )
          })}
        </div>
      </Section>
      {answered.length > 0 ? (
        <Section title={t('usage.latency')} aside={t('usage.latencyHint')}>
          <div className="grid gap-4 lg:grid-cols-2">
            {answered.map((name) => {
              const whole = usage.by_provider.find((figures) => figures.provider === name)?.latency_ms
              return (
                <LatencyLines
                  key={name}
                  title={name}
                  summary={
                    whole ? t('plot.latencySummary', { p50: formatDuration(whole.p50, language) }) : ''
                  }
                  columns={columns}
                  values={latencyOf(usage, name)}
                />
              )
            })}
          </div>
        </Section>
      ) : null}
    </>
  )
}

/** Days are those of UTC, as the server counts them; hours are those of the person. */
function columnOf(start: number, bucket: Usage['bucket'], language: string): { short: string; long: string } {
  const time = new Date(start)
  if (bucket === 'day') {
    const day = { day: 'numeric', month: 'short', timeZone: 'UTC' } as const
    return {
      short: time.toLocaleDateString(language, day),
      long: time.toLocaleDateString(language, { ...day, weekday: 'short' }),
    }
  }
  const hour = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
  return {
    short: time.toLocaleTimeString(language, hour),
    long: time.toLocaleString(language, { ...hour, day: 'numeric', month: 'short' }),
  }
}
