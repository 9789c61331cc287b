import { useTranslation } from 'react-i18next'
import { ApiError, NetworkError } from '@/lib/problem'

/** What an error says to a person: the message, what to do next, and the number to quote when asking for help. */
export function ProblemMessage({ error }: { error: unknown }) {
  const { t } = useTranslation()
  if (error instanceof NetworkError) {
    return (
      <>
        <p className="font-medium">{t('state.unreachable')}</p>
        <p className="mt-1 text-muted">{t('state.unreachableHint')}</p>
      </>
    )
  }
  if (error instanceof ApiError) {
    return (
      <>
        <p className="font-medium break-words">{error.message}</p>
        {error.hint ? <p className="mt-1 break-words text-muted">{error.hint}</p> : null}
        <p className="mt-2 text-xs break-all text-muted">
          {error.requestId ? t('state.reference', { code: error.code, id: error.requestId }) : error.code}
        </p>
      </>
    )
  }
  return (
    <>
      <p className="font-medium">{t('state.unexpected')}</p>
      <p className="mt-1 break-words text-muted">{error instanceof Error ? error.message : String(error)}</p>
    </>
  )
}
