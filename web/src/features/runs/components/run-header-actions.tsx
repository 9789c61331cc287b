import { Menu } from '@base-ui/react/menu'
import { CircleStop, GitFork, RotateCcw } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/button'
import { Confirm } from '@/components/ui/confirm'
import { announce } from '@/lib/announce'
import { isOver, type RunDetail, type useCancelRun, type useRetryRun } from '../api'

interface Props {
  run: RunDetail
  cancel: ReturnType<typeof useCancelRun>
  retry: ReturnType<typeof useRetryRun>
  onFork: (afterStep: string) => void
  forking: boolean
}

/** What can be done with a whole run, as far as its status allows it. */
export function RunHeaderActions({ run, cancel, retry, onFork, forking }: Props) {
  const { t } = useTranslation()
  const forkable = run.steps.filter((step) => step.status === 'completed' || step.status === 'skipped')
  return (
    <>
      {run.status === 'failed' || run.status === 'cancelled' ? (
        <Button
          variant="primary"
          disabled={retry.isPending}
          onClick={() => retry.mutate({}, { onSuccess: () => announce(t('run.retried')) })}
        >
          <RotateCcw /> {t('run.retry')}
        </Button>
      ) : null}
      {forkable.length > 0 ? (
        <Menu.Root>
          <Menu.Trigger
            render={
              <Button disabled={forking}>
                <GitFork /> {t('run.fork')}
              </Button>
            }
          />
          <Menu.Portal>
            <Menu.Positioner sideOffset={6} align="end" className="z-50">
              <Menu.Popup className="popup max-h-80 w-72 overflow-y-auto p-1">
                <Menu.Group>
                  <Menu.GroupLabel className="px-3 pt-2 pb-1 text-xs text-muted">
                    {t('run.forkAfter')}
                  </Menu.GroupLabel>
                  {forkable.map((step) => (
                    <Menu.Item
                      key={step.name}
                      onClick={() => onFork(step.name)}
                      className="cursor-pointer truncate rounded-md px-3 py-2 outline-none data-[highlighted]:bg-sunken"
                    >
                      {step.title}
                    </Menu.Item>
                  ))}
                </Menu.Group>
              </Menu.Popup>
            </Menu.Positioner>
          </Menu.Portal>
        </Menu.Root>
      ) : null}
      {isOver(run.status) ? null : (
        <Confirm
          trigger={
            <Button variant="danger" disabled={cancel.isPending}>
              <CircleStop /> {t('run.cancel')}
            </Button>
          }
          title={t('run.cancelTitle')}
          detail={t('run.cancelDetail')}
          action={t('run.cancel')}
          onConfirm={() => cancel.mutate(undefined, { onSuccess: () => announce(t('run.cancelAsked')) })}
        />
      )}
    </>
  )
}
