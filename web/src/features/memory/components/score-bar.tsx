import type { CSSProperties } from 'react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/lib/cn'
import { formatScore } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { formatShare } from '../figures'
import { featureName } from '../names'
import { barOf, lookOf, type Scale, strongest } from '../score-bar'
import type { ScorePart } from '../wire'
import '@/styles/plot.css'

interface Props {
  score: number
  parts: readonly ScorePart[]
  scale: Scale
  className?: string
}

/** What a score is made of, as a bar; in words for those who do not see it. */
export function ScoreBar({ score, parts, scale, className }: Props) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const { zero, segments } = barOf(parts, scale)
  const words = strongest(parts)
    .map(({ feature, share }) => `${featureName(feature, t)} ${formatShare(share, language)}`)
    .join(', ')
  return (
    <div
      role="img"
      aria-label={t('hit.bar', { score: formatScore(score, language), parts: words })}
      data-testid="score-bar"
      className={cn('relative h-3 min-w-24 overflow-hidden rounded-sm bg-sunken', className)}
    >
      {segments.map(({ feature, share, from, length }) => (
        <span
          key={feature}
          title={`${featureName(feature, t)} ${formatShare(share, language)}`}
          className="absolute inset-y-0 border-r border-surface"
          style={{ left: `${from * 100}%`, width: `${length * 100}%`, ...fillOf(feature) }}
        />
      ))}
      {zero > 0 ? (
        <span
          className="absolute inset-y-0 w-0.5 -translate-x-1/2 bg-ink"
          style={{ left: `${zero * 100}%` }}
        />
      ) : null}
    </div>
  )
}

/** The mark of a feature beside its name. */
export function FeatureMark({ feature }: { feature: string }) {
  return <span aria-hidden="true" className="size-2.5 shrink-0 rounded-xs" style={fillOf(feature)} />
}

function fillOf(feature: string): CSSProperties {
  const { colour, striped } = lookOf(feature)
  if (!striped) return { background: colour }
  return { background: `repeating-linear-gradient(135deg, ${colour} 0 2px, var(--surface) 2px 4px)` }
}
