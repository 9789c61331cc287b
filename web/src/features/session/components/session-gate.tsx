import { useQuery } from '@tanstack/react-query'
import { lazy, type ReactNode, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState } from '@/components/states/notices'
import { sessionQuery } from '../api'

const SignInPage = lazy(() => import('./sign-in-page'))

/** Lets the interface in once the server knows who is there; otherwise says how to get in. */
export function SessionGate({ children, banner }: { children: ReactNode; banner: ReactNode }) {
  const { t } = useTranslation()
  const session = useQuery(sessionQuery)
  if (session.data) return children
  if (session.data === null) {
    return (
      <Suspense fallback={banner}>
        <SignInPage banner={banner} />
      </Suspense>
    )
  }
  return (
    <>
      {banner}
      {session.error ? (
        <main className="grid min-h-dvh place-items-center">
          <ErrorState error={session.error} onRetry={() => session.refetch()} />
        </main>
      ) : (
        <main className="grid min-h-dvh place-items-center text-muted" aria-busy="true">
          <p role="status" className="animate-breathe">
            {t('state.opening')}
          </p>
        </main>
      )}
    </>
  )
}
