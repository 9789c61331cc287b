import { useInfiniteQuery } from '@tanstack/react-query'
import { Ban, Check, ChevronRight, CircleStop, Database, History, type LucideIcon, X } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { ErrorState, Notice } from '@/components/states/notices'
import { Badge, type Tone } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { Select } from '@/components/ui/select'
import { SkeletonList } from '@/components/ui/skeleton'
import { formatAgo, formatDateTime, formatDuration, formatNumber, formatUsd } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useNow } from '@/lib/use-now'
import { callPagesQuery } from '../usage'
import type { UsageViewState } from '../views'
import { type Call, type CallAttempt, OUTCOMES, type Outcome } from '../wire'

const LOOKS: Record<Outcome, { Icon: LucideIcon; tone: Tone }> = {
  answered: { Icon: Check, tone: 'good' },
  failed: { Icon: X, tone: 'bad' },
  cancelled: { Icon: CircleStop, tone: 'neutral' },
  refused: { Icon: Ban, tone: 'wait' },
  from_cache: { Icon: Database, tone: 'live' },
}

interface Props {
  view: UsageViewState
  onView: (view: UsageViewState) => void
}

/** The latest calls, each with everybody who was asked for it. */
export function CallList({ view, onView }: Props) {
  const { t } = useTranslation('models')
  const pages = useInfiniteQuery(callPagesQuery(view))
  const calls = pages.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <>
      <div className="mb-3">
        <Select<Outcome | ''>
          label={t('calls.outcome')}
          value={view.outcome ?? ''}
          onChange={(outcome) => onView({ ...view, outcome: outcome || undefined })}
          options={[
            { value: '', label: t('calls.anyOutcome') },
            ...OUTCOMES.map((value) => ({ value, label: t(`callOutcome.${value}`) })),
          ]}
          className="min-w-44"
        />
      </div>
      {pages.isPending ? (
        <SkeletonList rows={4} height="h-14" />
      ) : pages.error && calls.length === 0 ? (
        <ErrorState error={pages.error} onRetry={() => pages.refetch()} />
      ) : calls.length === 0 ? (
        <Notice icon={<History />} title={t('calls.none')}>
          {t('calls.noneHint')}
        </Notice>
      ) : (
        <>
          <Card className="overflow-hidden">
            <ul className="divide-y divide-line-soft">
              {calls.map((call) => (
                <li key={call.id}>
                  <CallRow call={call} />
                </li>
              ))}
            </ul>
          </Card>
          {pages.hasNextPage ? (
            <div className="mt-4 text-center">
              <Button
                variant="ghost"
                disabled={pages.isFetchingNextPage}
                onClick={() => void pages.fetchNextPage()}
              >
                {t('calls.more')}
              </Button>
            </div>
          ) : null}
        </>
      )}
    </>
  )
}

function CallRow({ call }: { call: Call }) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const now = useNow(60_000)
  const { Icon, tone } = LOOKS[call.outcome]
  const fallbacks = Math.max(0, call.attempts.length - 1)
  return (
    <details className="group">
      <summary className="flex list-none items-center gap-3 px-4 py-3 -outline-offset-2 transition-colors hover:bg-raised [&::-webkit-details-marker]:hidden">
        <ChevronRight
          className="size-3.5 shrink-0 text-muted transition-transform group-open:rotate-90"
          aria-hidden="true"
        />
        <span className="min-w-0 flex-1">
          <span className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
            <Badge tone={tone}>
              <Icon aria-hidden="true" /> {t(`callOutcome.${call.outcome}`)}
            </Badge>
            <span className="min-w-0 font-medium break-all">
              {call.provider ? `${call.provider} · ${call.model ?? ''}` : (call.error_code ?? '')}
            </span>
            {fallbacks > 0 ? (
              <span className="text-xs text-muted">
                {t('calls.attempts', { count: call.attempts.length })}
              </span>
            ) : null}
          </span>
          <span className="mt-1 block text-xs text-muted tabular-nums">
            {t(`surface.${call.surface}`)} · {formatAgo(call.at, now, language)}
          </span>
        </span>
        <span className="shrink-0 text-right text-xs text-muted tabular-nums">
          <span className="block">{formatDuration(call.latency_ms, language)}</span>
          <span className="mt-0.5 block">{formatUsd(call.usd, language)}</span>
        </span>
      </summary>
      <CallDetails call={call} />
    </details>
  )
}

function CallDetails({ call }: { call: Call }) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const facts = [
    formatDateTime(call.at, language),
    t('turn.tokens', {
      in: formatNumber(call.tokens_in, language),
      out: formatNumber(call.tokens_out, language),
    }) + (call.is_estimated ? ` ${t('turn.estimated')}` : ''),
    call.first_content_ms === null
      ? null
      : t('turn.firstWord', { time: formatDuration(call.first_content_ms, language) }),
    call.requested_model === null ? null : t('calls.askedFor', { model: call.requested_model }),
    t('calls.by', { actor: call.actor === 'owner' ? t('calls.you') : call.actor }),
    t('calls.request', { id: call.request_id }),
  ].filter((fact) => fact !== null)
  return (
    <div className="border-t border-line-soft bg-raised px-4 py-4 text-xs sm:pl-11">
      <p className="flex flex-wrap gap-x-4 gap-y-1 text-muted tabular-nums">
        {facts.map((fact) => (
          <span key={fact} className="break-all">
            {fact}
          </span>
        ))}
      </p>
      {call.attempts.length > 0 ? (
        <ol className="mt-3 flex flex-col gap-2">
          {call.attempts.map((attempt, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: an attempt is its place
            <li key={place}>
              <Attempt attempt={attempt} number={place + 1} />
            </li>
          ))}
        </ol>
      ) : (
        <p className="mt-3 text-muted">{t('calls.nobodyAsked')}</p>
      )}
    </div>
  )
}

function Attempt({ attempt, number }: { attempt: CallAttempt; number: number }) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const answered = attempt.outcome === 'answered'
  return (
    <>
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="font-medium">
          {number}. {attempt.provider} · <span className="font-mono font-normal">{attempt.model}</span>
        </span>
        <span className={answered ? 'text-good' : 'text-bad'}>
          {answered ? t('attempt.answered') : (attempt.code ?? attempt.outcome)}
        </span>
        <span className="text-muted tabular-nums">{formatDuration(attempt.latency_ms, language)}</span>
        {attempt.usd === null ? null : (
          <span className="text-muted tabular-nums">{formatUsd(attempt.usd, language)}</span>
        )}
      </p>
      {attempt.message ? <p className="mt-0.5 break-words text-muted">{attempt.message}</p> : null}
    </>
  )
}
