import { Link } from '@tanstack/react-router'
import { ChevronRight } from 'lucide-react'
import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Badge } from '@/components/ui/badge'
import { Disclosure } from '@/components/ui/disclosure'
import { Meter } from '@/components/ui/meter'
import { cn } from '@/lib/cn'
import { formatDateTime, formatNumber, formatScore } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import type { ContextPack, PackEntry, PackSection } from '@/lib/wire'
import { PrivacyBadge } from './privacy-badge'

/** How much of its budget a pack takes, how that was counted, and how far it may travel. */
export function PackFigures({ pack }: { pack: ContextPack }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const { tokens, budget_tokens, counter, privacy } = pack
  const used = t('pack.usedOf', {
    used: formatNumber(tokens, language),
    budget: formatNumber(budget_tokens, language),
  })
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
      <div className="min-w-0 flex-1 basis-24">
        <Meter
          label={t('pack.used')}
          value={budget_tokens > 0 ? tokens / budget_tokens : 0}
          text={used}
          tone="good"
        />
      </div>
      <span className="shrink-0 text-xs text-muted tabular-nums">{used}</span>
      <PrivacyBadge privacy={privacy} />
      <p className="basis-full text-xs break-words text-muted">{t('pack.counter', { counter })}</p>
    </div>
  )
}

/** What is in a pack, section by section, and what was found and left out. */
export function PackContents({ pack: { sections, cut } }: { pack: ContextPack }) {
  const { t } = useTranslation('memory')
  return (
    <>
      {sections.map((section) => (
        <Section key={section.name} section={section} />
      ))}
      {cut.length > 0 ? (
        <Disclosure title={t('pack.cut', { count: cut.length })} className="mt-4">
          <EntryList entries={cut} />
        </Disclosure>
      ) : null}
    </>
  )
}

/** The sections that have a name in every language; any other one keeps the server's. */
const SECTIONS = [
  'guardrails',
  'brand_canonical',
  'product_canonical',
  'retrieved',
  'stage_contract',
  'user_request',
] as const

function Section({ section }: { section: PackSection }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const { name, title, tokens, entries } = section
  const known = SECTIONS.find((one) => one === name)
  const heading = known ? t(`pack.section.${known}`) : title
  if (entries.length === 0) return null
  return (
    <div className="mt-4">
      <h3 className="mb-1 flex justify-between gap-3 text-xs font-semibold">
        {heading}
        <span className="font-normal text-muted tabular-nums">
          {t('pack.tokens', { count: tokens, tokens: formatNumber(tokens, language) })}
        </span>
      </h3>
      <EntryList entries={entries} section={heading} />
    </div>
  )
}

function EntryList({ entries, section }: { entries: readonly PackEntry[]; section?: string }) {
  return (
    <ul className="divide-y divide-line-soft border-t border-line-soft">
      {entries.map((entry, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: one passage may say the same twice, and not all are of memory
        <EntryRow key={place} entry={entry} section={section} />
      ))}
    </ul>
  )
}

interface RowProps {
  entry: PackEntry
  /** What a part without a title is called by. */
  section: string | undefined
}

function EntryRow({ entry, section }: RowProps) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const id = useId()
  const [isOpen, setOpen] = useState(false)
  const { tokens, privacy, reason, text } = entry
  const title = entry.title.trim() || section || entry.document_id || entry.source
  return (
    <li data-testid="pack-entry" className="py-2 text-[0.8125rem]">
      <div className="flex gap-1.5">
        {text ? (
          <button
            type="button"
            aria-expanded={isOpen}
            aria-controls={id}
            aria-label={t('pack.textOf', { title })}
            onClick={() => setOpen(!isOpen)}
            className="-ml-1 grid size-6 shrink-0 place-items-center rounded-md text-muted hover:bg-sunken hover:text-ink"
          >
            <ChevronRight
              className={cn('size-3.5 transition-transform', isOpen && 'rotate-90')}
              aria-hidden="true"
            />
          </button>
        ) : null}
        <div className="flex min-w-0 flex-1 flex-wrap items-start gap-x-3 gap-y-1 pt-0.5">
          <div className="min-w-0 flex-1 basis-40">
            <EntryTitle entry={entry} title={title} />
            {/* Without a title it is the section, which says it all. */}
            {entry.title ? <EntryOrigin entry={entry} /> : null}
          </div>
          <div className="-mt-px flex min-h-5.5 flex-wrap items-center gap-x-3 gap-y-1">
            {reason ? <Badge tone="wait">{t(`pack.reason.${reason}`)}</Badge> : null}
            <PrivacyBadge privacy={privacy} />
            {tokens > 0 ? (
              <span className="text-xs text-muted tabular-nums">
                {t('pack.tokens', { count: tokens, tokens: formatNumber(tokens, language) })}
              </span>
            ) : null}
          </div>
        </div>
      </div>
      <div id={id}>
        {isOpen ? (
          <p className="mt-2 mb-1 rounded-lg bg-raised p-3 leading-relaxed break-words whitespace-pre-wrap sm:ml-6">
            {text}
          </p>
        ) : null}
      </div>
    </li>
  )
}

/** What came from memory can be gone to. */
function EntryTitle({ entry: { document_id, chunk }, title }: { entry: PackEntry; title: string }) {
  if (document_id === null) return <span className="break-words">{title}</span>
  return (
    <Link
      to="/memory/documents/$documentId"
      params={{ documentId: document_id }}
      search={{ chunk: chunk === null ? undefined : String(chunk) }}
      className="rounded break-words decoration-line underline-offset-4 hover:underline"
    >
      {title}
    </Link>
  )
}

function EntryOrigin({ entry: { source, time, score } }: { entry: PackEntry }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const facts = [
    source,
    time && formatDateTime(time, language),
    score === null ? null : t('pack.score', { score: formatScore(score, language) }),
  ].filter(Boolean)
  return <p className="text-xs break-words text-muted tabular-nums">{facts.join(' · ')}</p>
}
