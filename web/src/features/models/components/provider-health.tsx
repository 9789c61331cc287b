import {
  Check,
  CircleDashed,
  CirclePause,
  Cloud,
  type LucideIcon,
  Monitor,
  TriangleAlert,
} from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Badge, type Tone } from '@/components/ui/badge'
import { formatClock } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import type { ProviderHealth } from '../wire'

const LOOKS: Record<ProviderHealth['state'], { Icon: LucideIcon; tone: Tone }> = {
  unknown: { Icon: CircleDashed, tone: 'neutral' },
  healthy: { Icon: Check, tone: 'good' },
  failing: { Icon: TriangleAlert, tone: 'wait' },
  paused: { Icon: CirclePause, tone: 'bad' },
}

/** How a provider has been of late, and whether it is left alone for a while. */
export function HealthBadge({ health }: { health: ProviderHealth }) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const { Icon, tone } = LOOKS[health.state]
  const words =
    health.state === 'paused' && health.paused_until
      ? t('health.pausedUntil', { time: formatClock(health.paused_until, language) })
      : health.state === 'failing'
        ? t('health.failing', { count: health.failures_in_a_row })
        : t(`health.${health.state}`)
  return (
    <Badge tone={tone}>
      <Icon aria-hidden="true" />
      {words}
    </Badge>
  )
}

/** Whether what it is asked stays on this machine. */
export function PlaceMark({ isLocal }: { isLocal: boolean }) {
  const { t } = useTranslation('models')
  const Icon = isLocal ? Monitor : Cloud
  return (
    <span className="inline-flex items-center gap-1.5 whitespace-nowrap">
      <Icon className="size-3.5" aria-hidden="true" />
      {t(isLocal ? 'place.local' : 'place.cloud')}
    </span>
  )
}
