import { FileQuestion, FileWarning, Save } from 'lucide-react'
import { lazy, Suspense, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState, InlineError, Notice } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { Skeleton } from '@/components/ui/skeleton'
import { announce } from '@/lib/announce'
import { formatBytes } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { isCode } from '../api'
import type { Standing } from '../file-draft'
import { diffTexts } from '../line-diff'
import { useFile } from '../use-file'
import { DiffLines } from './diff-lines'

const TextEditor = lazy(() => import('./text-editor'))

interface Props {
  id: string
  path: string
  line: number | null
  onGone: () => void
}

/** A file, to be read and changed. */
export function FileEditor({ id, path, line, onGone }: Props) {
  const { t } = useTranslation('studio')
  const language = useLanguage()
  const { read, file, standing, isGone, isSaving, saveError, edit, save, takeTheirs } = useFile(id, path)
  const isChanged = standing?.isChanged ?? false

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === 's') {
        event.preventDefault()
        save()
      }
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })

  if (isGone && !isChanged) {
    return (
      <Notice
        icon={<FileQuestion />}
        title={t('file.gone')}
        action={<Button onClick={onGone}>{t('act.close')}</Button>}
      >
        {t('file.goneHint', { path })}
      </Notice>
    )
  }
  if (isCode(read.error, 'file_too_large', 'too_large')) {
    return (
      <Notice icon={<FileWarning />} title={t('file.tooLarge')}>
        {t('file.tooLargeHint')}
      </Notice>
    )
  }
  if (!standing) {
    return read.error ? (
      <ErrorState error={read.error} onRetry={() => void read.refetch()} />
    ) : (
      <div className="p-4" role="status">
        <span className="sr-only">{t('file.reading', { path })}</span>
        <Skeleton className="h-40" />
      </div>
    )
  }
  if (file?.binary) {
    return (
      <Notice icon={<FileWarning />} title={t('file.binary')}>
        {t('file.binaryHint', { size: formatBytes(file.size, language) })}
      </Notice>
    )
  }
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex h-10 shrink-0 items-center gap-3 border-b border-line-soft pr-2 pl-4 text-xs text-muted">
        <span className="min-w-0 flex-1 truncate font-mono">{path}</span>
        <span role="status">{t(isSaving ? 'file.saving' : isChanged ? 'file.unsaved' : 'file.saved')}</span>
        <Button
          size="sm"
          className="!h-7"
          disabled={!isChanged || isSaving || standing.conflict !== null}
          onClick={() => save()}
        >
          <Save /> {t('act.save')}
        </Button>
      </div>
      {standing.conflict ? (
        <Conflict
          path={path}
          standing={standing}
          theirs={file?.content ?? null}
          onOverwrite={() => save(true)}
          onTakeTheirs={() => {
            takeTheirs()
            if (isGone) onGone()
          }}
        />
      ) : null}
      {saveError ? <InlineError error={saveError} className="m-2" /> : null}
      <div className="min-h-0 flex-1 bg-surface">
        <Suspense fallback={<Skeleton className="m-4 h-40" />}>
          <TextEditor
            path={path}
            value={standing.text}
            label={t('file.editor', { path })}
            line={line}
            onChange={edit}
            onSave={() => save()}
          />
        </Suspense>
      </div>
    </div>
  )
}

interface ConflictProps {
  path: string
  standing: Standing
  theirs: string | null
  onOverwrite: () => void
  onTakeTheirs: () => void
}

/** The file was changed elsewhere while it was being changed here: what to do is for a person to say. */
function Conflict({ path, standing, theirs, onOverwrite, onTakeTheirs }: ConflictProps) {
  const { t } = useTranslation('studio')
  const [comparing, setComparing] = useState(false)
  const gone = standing.conflict === 'gone'
  const text = t(gone ? 'conflict.gone' : 'conflict.changed')
  useEffect(() => announce(text), [text])
  const answers = (
    <>
      <Button size="sm" onClick={onOverwrite}>
        {t(gone ? 'conflict.saveAgain' : 'conflict.overwrite')}
      </Button>
      <Button size="sm" onClick={onTakeTheirs}>
        {t(gone ? 'conflict.discard' : 'conflict.takeTheirs')}
      </Button>
    </>
  )
  return (
    <div
      role="alert"
      data-testid="conflict"
      className="flex flex-wrap items-center gap-2 border-b border-line-soft bg-wait-soft px-4 py-2.5 text-[0.8125rem]"
    >
      <p className="min-w-48 flex-1">{text}</p>
      {gone ? null : (
        <Button size="sm" onClick={() => setComparing(true)}>
          {t('conflict.compare')}
        </Button>
      )}
      {answers}
      <Dialog
        open={comparing}
        onClose={() => setComparing(false)}
        title={t('conflict.title', { path })}
        detail={t('conflict.legend')}
      >
        <DiffLines hunks={diffTexts(theirs ?? '', standing.text)} label={path} layout="unified" />
        {/* biome-ignore lint/a11y/noStaticElementInteractions: whichever answer is given, the dialog is done */}
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the buttons inside take the keys */}
        <div className="mt-5 flex justify-end gap-2" onClick={() => setComparing(false)}>
          {answers}
        </div>
      </Dialog>
    </div>
  )
}
