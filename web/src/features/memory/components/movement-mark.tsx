import { useTranslation } from 'react-i18next'
import { cn } from '@/lib/cn'
import type { Movement } from '../movement'

/** How far a hit moved from one ranking to the other. What stayed has no mark. */
export function MovementMark({ movement }: { movement: Movement | undefined }) {
  const { t } = useTranslation('memory')
  if (!movement || movement.kind === 'same') return null
  const { kind } = movement
  const text = kind === 'alone' ? t('moved.alone') : t(`moved.${kind}`, { count: movement.by })
  return (
    <span
      data-testid="movement"
      data-moved={kind === 'alone' ? 'alone' : kind === 'up' ? movement.by : -movement.by}
      className={cn(
        'inline-flex shrink-0 items-center gap-1 rounded-full px-2 py-0.5 text-xs font-medium tabular-nums',
        { up: 'bg-good-soft text-good', down: 'bg-wait-soft text-wait', alone: 'bg-live-soft text-live' }[
          kind
        ],
      )}
    >
      {kind === 'alone' ? (
        text
      ) : (
        <>
          <span aria-hidden="true">
            {kind === 'up' ? '↑' : '↓'} {movement.by}
          </span>
          <span className="sr-only">{text}</span>
        </>
      )}
    </span>
  )
}
