import { CircleAlert, Lock, RotateCw } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/button'
import { cn } from '@/lib/cn'
import { ApiError } from '@/lib/problem'
import { ProblemMessage } from './problem-message'

/** A problem beside the thing that failed: under a form, next to a button. */
export function InlineError({ error, className }: { error: unknown; className?: string }) {
  return (
    <div role="alert" className={cn('flex gap-3 rounded-lg bg-bad-soft p-3 text-sm', className)}>
      <CircleAlert className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden="true" />
      <div className="min-w-0 [&_p]:!text-ink">
        <ProblemMessage error={error} />
      </div>
    </div>
  )
}

interface ErrorStateProps {
  error: unknown
  onRetry?: () => void
  /** Where to go instead, if what was asked for does not exist: then trying again is of no use. */
  elsewhere?: ReactNode
}

/** Instead of a whole part of a screen that could not be loaded; tells apart what one may not see or is not there. */
export function ErrorState({ error, onRetry, elsewhere }: ErrorStateProps) {
  const { t } = useTranslation()
  const missing = error instanceof ApiError && error.status === 404
  const forbidden = error instanceof ApiError && error.status === 403
  return (
    <Notice
      alert
      icon={forbidden ? <Lock /> : <CircleAlert />}
      title={t(forbidden ? 'state.forbidden' : missing ? 'notFound.title' : 'state.failed')}
      action={
        missing && elsewhere ? (
          elsewhere
        ) : onRetry ? (
          <Button onClick={onRetry}>
            <RotateCw /> {t('action.tryAgain')}
          </Button>
        ) : null
      }
    >
      <ProblemMessage error={error} />
    </Notice>
  )
}

interface NoticeProps {
  icon: ReactNode
  title: string
  children?: ReactNode
  action?: ReactNode
  alert?: boolean
}

/** A calm, centred message in place of content: nothing here yet, nothing found, no way in. */
export function Notice({ icon, title, children, action, alert = false }: NoticeProps) {
  return (
    <div
      role={alert ? 'alert' : undefined}
      className="mx-auto flex max-w-md flex-col items-center px-4 py-14 text-center text-sm"
    >
      <span
        className="mb-4 grid size-12 place-items-center rounded-full bg-sunken text-muted [&_svg]:size-5"
        aria-hidden="true"
      >
        {icon}
      </span>
      <h2 className="text-base font-semibold tracking-tight">{title}</h2>
      {children ? <div className="mt-2 text-muted">{children}</div> : null}
      {action ? <div className="mt-5 flex flex-wrap justify-center gap-2">{action}</div> : null}
    </div>
  )
}
