import { useQuery } from '@tanstack/react-query'
import { Check, CircleSlash, Gauge, type LucideIcon, Pencil, Plus, Trash2, TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState, InlineError, Notice } from '@/components/states/notices'
import { Section } from '@/components/states/page'
import { Badge, type Tone } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { Confirm } from '@/components/ui/confirm'
import { Meter } from '@/components/ui/meter'
import { SkeletonList } from '@/components/ui/skeleton'
import { announce } from '@/lib/announce'
import { formatDateTime, formatNumber, formatUsd } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { type Measure, usesOf } from '../limit-figures'
import { limitsQuery, useDeleteLimit } from '../limits'
import type { Limit } from '../wire'
import { LimitDialog } from './limit-dialog'

const LOOKS: Record<Limit['state'], { Icon: LucideIcon; tone: Tone; meter: 'live' | 'wait' | 'bad' }> = {
  ok: { Icon: Check, tone: 'good', meter: 'live' },
  warning: { Icon: TriangleAlert, tone: 'wait', meter: 'wait' },
  exhausted: { Icon: CircleSlash, tone: 'bad', meter: 'bad' },
}

/** How much may be used, by whom and in what time, and how much of it is used. */
export function LimitList() {
  const { t } = useTranslation('models')
  const limits = useQuery(limitsQuery)
  const [edited, setEdited] = useState<Limit | 'new' | null>(null)
  if (limits.isPending) return <SkeletonList rows={3} height="h-24" />
  if (limits.error && !limits.data) {
    return <ErrorState error={limits.error} onRetry={() => limits.refetch()} />
  }
  const add = (
    <Button variant="primary" onClick={() => setEdited('new')}>
      <Plus aria-hidden="true" /> {t('limits.add')}
    </Button>
  )
  return (
    <>
      <Section
        title={t('limits.title')}
        aside={limits.data && limits.data.length > 0 ? add : null}
        className="!mt-0"
      >
        {limits.data?.length === 0 ? (
          <Notice icon={<Gauge />} title={t('limits.none')} action={add}>
            {t('limits.noneHint')}
          </Notice>
        ) : (
          <ul className="flex flex-col gap-3">
            {limits.data?.map((limit) => (
              <li key={limit.id}>
                <LimitCard limit={limit} onEdit={() => setEdited(limit)} />
              </li>
            ))}
          </ul>
        )}
      </Section>
      <LimitDialog edited={edited} onClose={() => setEdited(null)} />
    </>
  )
}

function LimitCard({ limit, onEdit }: { limit: Limit; onEdit: () => void }) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const remove = useDeleteLimit()
  const { Icon, tone, meter } = LOOKS[limit.state]
  const title = t(`limits.of.${limit.scope}`, { subject: limit.subject ?? '' })
  const amount = (measure: Measure, value: number) =>
    measure === 'usd' ? formatUsd(value, language) : formatNumber(value, language)
  return (
    <Card className="p-4 sm:p-5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h3 className="min-w-0 font-medium break-all">{title}</h3>
        <span className="text-xs text-muted">{t(`window.${limit.window}`)}</span>
        <Badge tone={tone}>
          <Icon aria-hidden="true" /> {t(`limitState.${limit.state}`)}
        </Badge>
        <span className="ml-auto flex gap-1">
          <Button
            variant="ghost"
            size="icon"
            aria-label={t('limits.edit', { title, window: t(`window.${limit.window}`) })}
            onClick={onEdit}
          >
            <Pencil />
          </Button>
          <Confirm
            trigger={
              <Button
                variant="ghost"
                size="icon"
                disabled={remove.isPending}
                aria-label={t('limits.remove', { title, window: t(`window.${limit.window}`) })}
              >
                <Trash2 />
              </Button>
            }
            title={t('limits.removeTitle')}
            detail={t('limits.removeDetail')}
            action={t('limits.removeAction')}
            keep={t('limits.keep')}
            onConfirm={() => remove.mutate(limit.id, { onSuccess: () => announce(t('limits.removed')) })}
          />
        </span>
      </div>
      <div className="mt-3 flex flex-col gap-3">
        {usesOf(limit).map(({ measure, used, most, share }) => {
          const text = t(`limits.used.${measure}`, {
            used: amount(measure, used),
            most: amount(measure, most),
          })
          return (
            <div key={measure}>
              <p className="mb-1.5 flex justify-between gap-4 text-[0.8125rem] tabular-nums">
                <span>{text}</span>
                <span className="text-muted">{formatNumber(share * 100, language)} %</span>
              </p>
              <Meter
                label={t(`measure.${measure}`)}
                value={share}
                text={text}
                tone={share >= 1 ? 'bad' : share >= limit.warn_at ? meter : 'live'}
              />
            </div>
          )
        })}
      </div>
      <p className="mt-3 text-xs text-muted">
        {t('limits.resets', { time: formatDateTime(limit.resets_at, language) })}
        {' · '}
        {t('limits.warnsAt', { share: formatNumber(limit.warn_at * 100, language) })}
      </p>
      {remove.error ? <InlineError error={remove.error} className="mt-3" /> : null}
    </Card>
  )
}
