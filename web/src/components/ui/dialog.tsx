import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from './button'

interface Props {
  open: boolean
  onClose: () => void
  title: string
  detail?: ReactNode
  children: ReactNode
}

/** Something to fill in, above the page. It scrolls where the window is low. */
export function Dialog({ open, onClose, title, detail, children }: Props) {
  const { t } = useTranslation()
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup className="popup fixed top-1/2 left-1/2 z-50 flex max-h-[min(46rem,calc(100dvh-2rem))] w-[min(36rem,calc(100vw-1.5rem))] -translate-x-1/2 -translate-y-1/2 flex-col">
          <div className="flex items-start gap-4 border-b border-line-soft py-4 pr-3 pl-5 sm:pl-6">
            <div className="min-w-0 flex-1 pt-1">
              <Base.Title className="text-base font-semibold tracking-tight">{title}</Base.Title>
              {detail ? (
                <Base.Description className="mt-1 text-[0.8125rem] text-muted">{detail}</Base.Description>
              ) : null}
            </div>
            <Base.Close
              render={
                <Button variant="ghost" size="icon" aria-label={t('action.close')}>
                  <X />
                </Button>
              }
            />
          </div>
          <div className="min-h-0 flex-1 overflow-y-auto px-5 py-5 sm:px-6">{children}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
