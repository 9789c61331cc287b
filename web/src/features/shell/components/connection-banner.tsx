import { CloudOff } from 'lucide-react'
import { useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { connection } from '@/lib/connection'

/** Says that the server is away, and that we keep looking for it. Announced when it comes and when it goes. */
export function ConnectionBanner() {
  const { t } = useTranslation()
  const state = useSyncExternalStore(connection.subscribe, connection.current)
  return (
    <div role="status" className="fixed inset-x-0 top-0 z-50 flex justify-center px-4">
      {state === 'reconnecting' ? (
        <div className="mt-3 flex animate-rise items-center gap-3 rounded-full border border-line bg-glass py-1.5 pr-1.5 pl-4 text-[0.8125rem] shadow-float backdrop-blur-xl">
          <CloudOff className="size-4 shrink-0 animate-breathe text-wait" aria-hidden="true" />
          <span>{t('connection.reconnecting')}</span>
          <button
            type="button"
            className="rounded-full px-2.5 py-1 font-medium underline-offset-4 hover:underline"
            onClick={connection.retryNow}
          >
            {t('connection.now')}
          </button>
        </div>
      ) : null}
    </div>
  )
}
