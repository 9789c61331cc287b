import { useQuery } from '@tanstack/react-query'
import { ChartColumn } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState, Notice } from '@/components/states/notices'
import { Section } from '@/components/states/page'
import { Button } from '@/components/ui/button'
import { Segmented } from '@/components/ui/segmented'
import { Select } from '@/components/ui/select'
import { SkeletonList } from '@/components/ui/skeleton'
import { providersQuery } from '../api'
import { usageQuery } from '../usage'
import { RANGES, type Range, type UsageViewState } from '../views'
import type { Usage } from '../wire'
import { CallList } from './call-list'
import { FiguresTables } from './figures-tables'
import { UsagePlots } from './usage-plots'
import { UsageTotals } from './usage-totals'

interface Props {
  view: UsageViewState
  onView: (view: UsageViewState) => void
  /** What one can do when nothing was asked yet. */
  firstAction: ReactNode
}

/** What was asked, what it cost, how long it took and what went wrong. */
export function UsageView({ view, onView, firstAction }: Props) {
  const { t } = useTranslation('models')
  const range = view.range ?? '7d'
  const usage = useQuery(usageQuery(range, view.provider, view.token))
  const providers = useQuery(providersQuery)
  const known = (providers.data ?? []).map((provider) => provider.name)
  const filtered = Boolean(view.provider || view.token)
  const empty = usage.data && usage.data.totals.requests === 0

  return (
    <>
      <search className="mb-6 flex flex-wrap items-center gap-3">
        <Segmented<Range>
          label={t('usage.range')}
          value={range}
          onChange={(next) => onView({ ...view, range: next === '7d' ? undefined : next })}
          options={RANGES.map((value) => ({ value, label: t(`range.${value}`) }))}
        />
        <Filters view={view} onView={onView} usage={usage.data} known={known} />
      </search>
      {usage.isPending ? (
        <SkeletonList rows={3} height="h-52" />
      ) : usage.error && !usage.data ? (
        <ErrorState error={usage.error} onRetry={() => usage.refetch()} />
      ) : empty ? (
        <Notice
          icon={<ChartColumn />}
          title={t(filtered ? 'usage.noneFound' : 'usage.none')}
          action={
            filtered ? (
              <Button onClick={() => onView({ range: view.range })}>{t('usage.clear')}</Button>
            ) : (
              firstAction
            )
          }
        >
          {t(filtered ? 'usage.noneFoundHint' : 'usage.noneHint')}
        </Notice>
      ) : usage.data ? (
        <>
          <UsageTotals totals={usage.data.totals} />
          <UsagePlots usage={usage.data} known={known} />
          <FiguresTables usage={usage.data} />
        </>
      ) : null}
      {usage.data ? (
        <Section title={t('calls.title')}>
          <CallList view={view} onView={onView} />
        </Section>
      ) : null}
    </>
  )
}

interface FilterProps {
  view: UsageViewState
  onView: (view: UsageViewState) => void
  usage: Usage | undefined
  known: string[]
}

function Filters({ view, onView, usage, known }: FilterProps) {
  const { t } = useTranslation('models')
  const seen = usage?.by_provider.map((figures) => figures.provider) ?? []
  const providers = [...new Set([...known, ...seen, ...(view.provider ? [view.provider] : [])])].sort()
  const tokens = new Map(
    (usage?.by_token ?? []).flatMap(({ token_id, name }) => (token_id ? [[token_id, name] as const] : [])),
  )
  if (view.token && !tokens.has(view.token)) tokens.set(view.token, view.token)
  return (
    <div className="flex flex-wrap gap-2 max-sm:w-full">
      <Select<string>
        label={t('usage.provider')}
        value={view.provider ?? ''}
        onChange={(provider) => onView({ ...view, provider: provider || undefined })}
        options={[
          { value: '', label: t('usage.anyProvider') },
          ...providers.map((value) => ({ value, label: value })),
        ]}
        className="min-w-40 max-sm:flex-1"
      />
      {tokens.size > 0 ? (
        <Select<string>
          label={t('usage.token')}
          value={view.token ?? ''}
          onChange={(token) => onView({ ...view, token: token || undefined })}
          options={[
            { value: '', label: t('usage.anyToken') },
            ...[...tokens].map(([value, label]) => ({ value, label })),
          ]}
          className="min-w-40 max-sm:flex-1"
        />
      ) : null}
    </div>
  )
}
