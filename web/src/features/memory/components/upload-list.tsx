import { Link } from '@tanstack/react-router'
import { Ban, Check, CircleAlert, Equal, Hourglass, RotateCw, X } from 'lucide-react'
import { memo, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { Disclosure } from '@/components/ui/disclosure'
import { Meter } from '@/components/ui/meter'
import { formatBytes, formatNumber } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { hasFailed, isOver, type Upload } from '../upload-queue'
import type { IngestedDocument } from '../wire'

interface Props {
  uploads: readonly Upload[]
  onCancel: (id: number) => void
  onRetry: (id: number) => void
  onClear: () => void
}

/** The files on their way, and what became of each. */
export function UploadList({ uploads, onCancel, onRetry, onClear }: Props) {
  const { t } = useTranslation('memory')
  if (uploads.length === 0) return null
  const over = uploads.filter(isOver).length
  const failed = uploads.filter(hasFailed).length
  const summary = t('uploads.summary', { count: uploads.length, over })
  return (
    <section aria-label={t('uploads.title')} className="mt-6">
      <div className="mb-3 flex flex-wrap items-center justify-between gap-2">
        <p role="status" className="text-[0.8125rem] text-muted tabular-nums">
          {failed > 0 ? `${summary} ${t('uploads.failed', { count: failed })}` : summary}
        </p>
        <Button variant="ghost" size="sm" disabled={over === 0} onClick={onClear}>
          {t('uploads.clear')}
        </Button>
      </div>
      <Card>
        <ul className="divide-y divide-line-soft">
          {uploads.map((upload) => (
            <UploadRow key={upload.id} upload={upload} onCancel={onCancel} onRetry={onRetry} />
          ))}
        </ul>
      </Card>
    </section>
  )
}

interface RowProps {
  upload: Upload
  onCancel: (id: number) => void
  onRetry: (id: number) => void
}

/** Drawn anew only when it changes: there may be hundreds, and each tells of its progress. */
const UploadRow = memo(function UploadRow({ upload, onCancel, onRetry }: RowProps) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const { id, name, size, state, sent, error, outcomes } = upload
  const isMoving = state === 'sending' || state === 'reading'
  const isRefused = outcomes.length > 0 && outcomes.every(isFailure)
  return (
    <li aria-label={name} data-testid="upload" data-state={state} className="px-4 py-3 sm:px-5">
      <div className="flex items-center gap-3">
        <StateMark upload={upload} />
        <div className="min-w-0 flex-1">
          <p className="font-medium break-all">{name}</p>
          <p className="text-xs text-muted tabular-nums">
            {formatBytes(size, language)} · {t(`uploadState.${isRefused ? 'failed' : state}`)}
          </p>
        </div>
        {isOver(upload) ? (
          state === 'done' ? null : (
            <Button size="sm" aria-label={t('uploads.retry', { name })} onClick={() => onRetry(id)}>
              <RotateCw /> {t('uploads.again')}
            </Button>
          )
        ) : (
          <Button
            variant="ghost"
            size="icon"
            aria-label={t('uploads.cancel', { name })}
            onClick={() => onCancel(id)}
          >
            <X />
          </Button>
        )}
      </div>
      {isMoving ? (
        <div className="mt-2">
          <Meter
            label={t('uploads.progress', { name })}
            value={state === 'reading' ? null : sent}
            text={t(`uploadState.${state}`)}
          />
        </div>
      ) : null}
      {state === 'failed' ? <InlineError error={error} className="mt-3" /> : null}
      <Outcomes outcomes={outcomes} />
    </li>
  )
})

function StateMark({ upload }: { upload: Upload }) {
  const { state, outcomes } = upload
  if (hasFailed(upload)) return <Mark className="text-bad" icon={<CircleAlert />} />
  if (state === 'cancelled') return <Mark className="text-muted" icon={<Ban />} />
  if (state !== 'done') return <Mark className="text-muted" icon={<Hourglass />} />
  const isSame =
    outcomes.length > 0 && outcomes.every(({ state }) => state === 'unchanged' || state === 'kept')
  return isSame ? (
    <Mark className="text-muted" icon={<Equal />} />
  ) : (
    <Mark className="text-good" icon={<Check />} />
  )
}

function Mark({ className, icon }: { className: string; icon: ReactNode }) {
  return (
    <span aria-hidden="true" className={`shrink-0 [&_svg]:size-4 ${className}`}>
      {icon}
    </span>
  )
}

/** Up to so many things in one file are shown at once; what failed comes first. */
const IN_VIEW = 3

function Outcomes({ outcomes }: { outcomes: IngestedDocument[] }) {
  const { t } = useTranslation('memory')
  const sorted = [...outcomes].sort((one, other) => Number(isFailure(other)) - Number(isFailure(one)))
  if (sorted.length === 0) return null
  const rest = sorted.slice(IN_VIEW)
  return (
    <div className="mt-2 sm:pl-7">
      <OutcomeRows outcomes={sorted.slice(0, IN_VIEW)} />
      {rest.length > 0 ? (
        <Disclosure title={t('uploads.rest', { count: rest.length })} className="mt-1.5">
          <OutcomeRows outcomes={rest} />
        </Disclosure>
      ) : null}
    </div>
  )
}

function OutcomeRows({ outcomes }: { outcomes: IngestedDocument[] }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  return (
    <ul className="flex flex-col gap-1 text-[0.8125rem]">
      {outcomes.map(({ name, id, chunks, state, error }, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two in a file may have one name
        <li key={place} data-outcome={state} className="min-w-0 break-words">
          {id ? (
            <Link
              to="/memory/documents/$documentId"
              params={{ documentId: id }}
              className="rounded text-link underline underline-offset-2"
            >
              {name}
            </Link>
          ) : (
            name
          )}
          <span className="text-muted">
            {' · '}
            {t(`ingested.${state}`)}
            {state === 'failed'
              ? null
              : `, ${t('size.chunks', { count: chunks, number: formatNumber(chunks, language) })}`}
          </span>
          {error ? (
            <span className="block rounded-md bg-bad-soft px-2.5 py-1.5">
              {error.message}
              {error.hint ? <span className="mt-0.5 block">{error.hint}</span> : null}
              <span className="mt-0.5 block text-xs">{error.code}</span>
            </span>
          ) : null}
        </li>
      ))}
    </ul>
  )
}

function isFailure({ state }: IngestedDocument): boolean {
  return state === 'failed'
}
