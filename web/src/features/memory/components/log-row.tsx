import { Link } from '@tanstack/react-router'
import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { PrivacyBadge } from '@/components/memory/privacy-badge'
import { Badge } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { cn } from '@/lib/cn'
import { formatAgo, formatDateTime, formatNumber } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useNow } from '@/lib/use-now'
import type { MemoryLogEntry } from '../wire'

interface Props {
  entry: MemoryLogEntry
  /** What the entries in view are called. */
  titles: ReadonlyMap<string, string>
}

/** A decision or an error: what it was, when, where, how often, and whether it still holds. */
export function LogRow({ entry, titles }: Props) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const { title, detail, outcome, supersedes, superseded_by, count, privacy } = entry
  return (
    <li data-testid="log-entry" className="px-4 py-4 sm:px-5">
      <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
        <h2 className={cn('min-w-0 font-medium break-words', superseded_by && 'text-muted line-through')}>
          {title}
        </h2>
        {superseded_by ? <Badge tone="wait">{t('logbook.superseded')}</Badge> : null}
        {count > 1 ? (
          <Badge tone="bad">{t('logbook.seen', { count, times: formatNumber(count, language) })}</Badge>
        ) : null}
        <PrivacyBadge privacy={privacy} />
      </div>
      <EntryFacts entry={entry} />
      {detail.trim() ? <Detail text={detail} /> : null}
      <Remark name={t('logbook.outcome')} text={outcome} />
      <Remark name={t('logbook.supersedes')} text={supersedes && titles.get(supersedes)} />
      <Remark name={t('logbook.supersededBy')} text={superseded_by && titles.get(superseded_by)} />
    </li>
  )
}

function EntryFacts({ entry }: { entry: MemoryLogEntry }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const now = useNow(60_000)
  const { agent, run_id, step, created_at, last_at, count } = entry
  return (
    <p className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted">
      <time dateTime={last_at} title={formatDateTime(last_at, language)}>
        {formatAgo(last_at, now, language)}
      </time>
      {count > 1 ? (
        <time dateTime={created_at} title={formatDateTime(created_at, language)}>
          {t('logbook.first', { ago: formatAgo(created_at, now, language) })}
        </time>
      ) : null}
      {agent ? <span className="break-all">{agent}</span> : null}
      {run_id ? (
        <Link
          to="/runs/$id"
          params={{ id: run_id }}
          search={step ? { step } : {}}
          className="rounded text-link underline decoration-line underline-offset-4 hover:decoration-current"
        >
          {step ? t('logbook.runStep', { step }) : t('logbook.run')}
        </Link>
      ) : null}
    </p>
  )
}

function Remark({ name, text }: { name: string; text: string | null | undefined }) {
  if (!text) return null
  return (
    <p className="mt-1.5 text-[0.8125rem] break-words">
      <span className="text-muted">{name}</span> {text}
    </p>
  )
}

/** What is longer is shown on demand. */
const SHORT_CHARACTERS = 280
const SHORT_LINES = 4

function Detail({ text }: { text: string }) {
  const { t } = useTranslation('memory')
  const id = useId()
  const [isWhole, setWhole] = useState(false)
  const start = text.split('\n').slice(0, SHORT_LINES).join('\n').slice(0, SHORT_CHARACTERS)
  const isLong = start.length < text.trimEnd().length
  return (
    <div className="mt-2 text-[0.8125rem] leading-relaxed">
      <p id={id} className="break-words whitespace-pre-wrap">
        {isWhole || !isLong ? text : `${start.trimEnd()} …`}
      </p>
      {isLong ? (
        <Button
          variant="ghost"
          size="sm"
          aria-expanded={isWhole}
          aria-controls={id}
          className="mt-1 -ml-2 text-muted"
          onClick={() => setWhole(!isWhole)}
        >
          {t(isWhole ? 'logbook.less' : 'logbook.more')}
        </Button>
      ) : null}
    </div>
  )
}
