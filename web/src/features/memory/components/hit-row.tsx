import { Link } from '@tanstack/react-router'
import { ChevronRight, PackageCheck, PackageX } from 'lucide-react'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { PrivacyBadge } from '@/components/memory/privacy-badge'
import { Badge } from '@/components/ui/badge'
import { cn } from '@/lib/cn'
import { formatAgo, formatDateTime, formatScore } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useNow } from '@/lib/use-now'
import type { Movement } from '../movement'
import { placeName, titleOf } from '../names'
import type { Packed } from '../pack'
import type { Scale } from '../score-bar'
import type { SearchHit } from '../wire'
import { HitDetails } from './hit-details'
import { Marked } from './marked'
import { MovementMark } from './movement-mark'
import { ScoreBar } from './score-bar'

interface Props {
  hit: SearchHit
  rank: number
  scale: Scale
  movement: Movement | undefined
  packed: Packed | undefined
  isOpen: boolean
  onExplain: (open: boolean) => void
}

/** One hit: where it is from, what it says, and what made it a hit. */
export function HitRow({ hit, rank, scale, movement, packed, isOpen, onExplain }: Props) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const id = useId()
  const title = titleOf(hit)
  return (
    <li data-testid="hit" data-chunk={hit.chunk} className="flex gap-3 px-4 py-4 sm:px-5">
      <span className="w-5 shrink-0 pt-px text-right text-[0.8125rem] text-muted tabular-nums">{rank}</span>
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
          <Link
            to="/memory/documents/$documentId"
            params={{ documentId: hit.document_id }}
            search={{ chunk: String(hit.chunk) }}
            data-hit={hit.chunk}
            className="min-w-0 rounded font-medium break-words decoration-line underline-offset-4 outline-offset-4 hover:underline"
          >
            {title}
          </Link>
          <MovementMark movement={movement} />
          <PackedBadge packed={packed} />
        </div>
        <HitOrigin hit={hit} />
        <p className="mt-2 text-[0.8125rem] leading-relaxed break-words">
          <Marked text={hit.snippet} words={hit.words} />
        </p>
        <div className="mt-2.5 flex items-center gap-3">
          <ScoreBar score={hit.score} parts={hit.parts} scale={scale} className="flex-1" />
          <span className="shrink-0 text-xs text-muted tabular-nums" aria-hidden="true">
            {formatScore(hit.score, language)}
          </span>
          <button
            type="button"
            aria-expanded={isOpen}
            aria-controls={id}
            aria-label={t('hit.whyOf', { title })}
            onClick={() => onExplain(!isOpen)}
            className="inline-flex h-7 shrink-0 items-center gap-1 rounded-md px-2 text-xs font-medium text-muted hover:bg-sunken hover:text-ink"
          >
            <ChevronRight
              className={cn('size-3.5 transition-transform', isOpen && 'rotate-90')}
              aria-hidden="true"
            />
            {t('hit.why')}
          </button>
        </div>
        <div id={id}>{isOpen ? <HitDetails hit={hit} /> : null}</div>
      </div>
    </li>
  )
}

function HitOrigin({ hit }: { hit: SearchHit }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const now = useNow(60_000)
  // A path into a document may be its heading as well.
  const facts = [hit.headings.join(' › '), placeName(hit.place, t), hit.author].filter(Boolean)
  return (
    <p className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-muted">
      <Badge>{hit.collection}</Badge>
      {[...new Set(facts)].map((fact) => (
        <span key={fact} className="min-w-0 break-words">
          {fact}
        </span>
      ))}
      <time dateTime={hit.time} title={formatDateTime(hit.time, language)}>
        {formatAgo(hit.time, now, language)}
      </time>
      <PrivacyBadge privacy={hit.privacy} />
    </p>
  )
}

function PackedBadge({ packed }: { packed: Packed | undefined }) {
  const { t } = useTranslation('memory')
  if (!packed) return null
  return packed === 'taken' ? (
    <Badge tone="good">
      <PackageCheck aria-hidden="true" /> {t('pack.in')}
    </Badge>
  ) : (
    <Badge tone="wait">
      <PackageX aria-hidden="true" /> {t(`pack.reason.${packed}`)}
    </Badge>
  )
}
