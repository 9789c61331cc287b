import { Undo2, X } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { pauseDelete, resumeDelete, undoDelete, useHeldDeletes } from '../held'
import type { HeldDocument } from '../held-deletes'

/** What was deleted a moment ago, with the way back, above whatever room of memory one is in. */
export function DeleteNotices() {
  const held = useHeldDeletes()
  return (
    <div className="pointer-events-none fixed inset-x-0 bottom-20 z-40 flex flex-col items-center gap-2 px-4 lg:bottom-6 lg:pl-64">
      {held.slice(-3).map((document) => (
        <DeleteNotice key={document.id} document={document} />
      ))}
    </div>
  )
}

function DeleteNotice({ document: { id, title, error } }: { document: HeldDocument }) {
  const { t } = useTranslation('memory')
  const undo = useRef<HTMLButtonElement>(null)
  // What had the keyboard has left with what was deleted.
  useEffect(() => undo.current?.focus({ preventScroll: true }), [])
  return (
    <div
      onPointerEnter={() => pauseDelete(id)}
      onPointerLeave={() => resumeDelete(id)}
      className="pointer-events-auto flex w-full max-w-xl animate-rise flex-wrap items-center gap-x-4 gap-y-2 rounded-xl border border-line bg-surface py-2 pr-2 pl-4 text-[0.8125rem] shadow-float"
    >
      <p role="status" className="min-w-0 flex-1 basis-48 break-words">
        {t(error === undefined ? 'remove.done' : 'remove.failed', { title })}
      </p>
      {error === undefined ? (
        <Button ref={undo} size="sm" onClick={() => undoDelete(id)}>
          <Undo2 /> {t('remove.undo')}
        </Button>
      ) : (
        <>
          <Button variant="ghost" size="icon" aria-label={t('remove.dismiss')} onClick={() => undoDelete(id)}>
            <X />
          </Button>
          <InlineError error={error} className="mr-1 mb-1 basis-full" />
        </>
      )}
    </div>
  )
}
