import { AlertDialog } from '@base-ui/react/alert-dialog'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from './button'

interface Props {
  /** What opens it. Without one, `open` says whether it is open. */
  trigger?: ReactElement
  open?: boolean
  onClose?: () => void
  title: string
  detail: string
  action: string
  /** What the way back is called; the default speaks of a run. */
  keep?: string
  onConfirm: () => void
}

/** Asks before something that cannot be taken back. */
export function Confirm({ trigger, open, onClose, title, detail, action, keep, onConfirm }: Props) {
  const { t } = useTranslation()
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => !next && onClose?.()}>
      {trigger ? <AlertDialog.Trigger render={trigger} /> : null}
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="popup fixed top-1/2 left-1/2 z-50 w-[min(26rem,calc(100vw-2rem))] -translate-x-1/2 -translate-y-1/2 p-6">
          <AlertDialog.Title className="text-base font-semibold tracking-tight">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-2 text-sm text-muted">{detail}</AlertDialog.Description>
          <div className="mt-6 flex justify-end gap-2">
            <AlertDialog.Close render={<Button variant="ghost">{keep ?? t('action.keep')}</Button>} />
            <AlertDialog.Close
              render={
                <Button variant="danger" onClick={onConfirm}>
                  {action}
                </Button>
              }
            />
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
