import { Circle, LoaderCircle, TriangleAlert } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Badge, type Tone } from '@/components/ui/badge'
import type { DevStatus } from '../wire'

const TONE: Record<DevStatus, Tone> = {
  stopped: 'neutral',
  installing: 'live',
  starting: 'live',
  running: 'good',
  failed: 'bad',
}

/** What the app's server does. */
export function StatusBadge({ status }: { status: DevStatus | undefined }) {
  const { t } = useTranslation('studio')
  if (!status) return null
  return (
    <span role="status" data-testid="dev-status" data-status={status}>
      <Badge tone={TONE[status]}>
        {status === 'installing' || status === 'starting' ? (
          <LoaderCircle className="animate-spin" aria-hidden="true" />
        ) : status === 'failed' ? (
          <TriangleAlert aria-hidden="true" />
        ) : (
          <Circle className="!size-2 fill-current" aria-hidden="true" />
        )}
        {t(`dev.${status}`)}
      </Badge>
    </span>
  )
}
