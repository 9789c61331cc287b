import { Lock } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Badge } from '@/components/ui/badge'
import type { PrivacyLabel } from '@/lib/wire'

/** Says so where something never leaves this machine. What may is not worth a word. */
export function PrivacyBadge({ privacy }: { privacy: PrivacyLabel }) {
  const { t } = useTranslation('memory')
  if (privacy !== 'local') return null
  return (
    <Badge>
      <Lock aria-hidden="true" /> {t('privacy.local')}
    </Badge>
  )
}
