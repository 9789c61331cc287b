import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router'
import { Compass } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { ErrorState, Notice } from '@/components/states/notices'
import { Page } from '@/components/states/page'
import { buttonClass } from '@/components/ui/button'
import { SkeletonList } from '@/components/ui/skeleton'

export function NotFoundRoute() {
  const { t } = useTranslation()
  return (
    <Page title={t('notFound.title')}>
      <Notice
        icon={<Compass />}
        title={t('notFound.lead')}
        action={
          <Link to="/" className={buttonClass('primary')}>
            {t('notFound.home')}
          </Link>
        }
      >
        {t('notFound.detail')}
      </Notice>
    </Page>
  )
}

/** A part of the program could not be loaded or broke. Loading anew also fetches it again. */
export function BrokenRoute({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation()
  const router = useRouter()
  return (
    <Page title={t('state.failed')}>
      <ErrorState
        error={error}
        onRetry={() => {
          reset()
          void router.invalidate()
        }}
      />
    </Page>
  )
}

export function PendingRoute() {
  return (
    <div className="mx-auto w-full max-w-4xl px-4 pt-12 sm:px-8">
      <SkeletonList rows={5} />
    </div>
  )
}
