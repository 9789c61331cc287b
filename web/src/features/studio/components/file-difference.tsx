import { ChevronRight } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Badge, type Tone } from '@/components/ui/badge'
import { parsePatch } from '../line-diff'
import type { FileDiff } from '../wire'
import { DiffLines } from './diff-lines'

const TONE: Record<FileDiff['status'], Tone> = {
  added: 'good',
  removed: 'bad',
  changed: 'live',
  renamed: 'neutral',
}

interface Props {
  file: FileDiff
  layout: 'unified' | 'split'
  open: boolean
  onOpenFile: () => void
}

/** What differs in a file, behind its name. */
export function FileDifference({ file, layout, open: first, onOpenFile }: Props) {
  const { t } = useTranslation('studio')
  const [open, setOpen] = useState(first)
  const hunks = useMemo(() => (file.patch ? parsePatch(file.patch) : []), [file.patch])
  return (
    <section
      aria-label={file.path}
      data-testid="file-diff"
      className="overflow-hidden rounded-xl border border-line-soft bg-surface"
    >
      <div className="flex items-center gap-2 py-1 pr-3 pl-1">
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex min-w-0 flex-1 items-center gap-2 rounded-lg px-2 py-1.5 text-left text-xs -outline-offset-2 hover:bg-raised"
        >
          <ChevronRight
            className={`size-3.5 shrink-0 text-muted transition-transform ${open ? 'rotate-90' : ''}`}
            aria-hidden="true"
          />
          <span className="min-w-0 truncate font-mono">
            {file.oldPath ? <span className="text-muted">{file.oldPath} → </span> : null}
            {file.path}
          </span>
          <Badge tone={TONE[file.status]}>{t(`fileStatus.${file.status}`)}</Badge>
          <span className="shrink-0 font-mono tabular-nums">
            <span className="text-good">+{file.additions}</span>{' '}
            <span className="text-bad">−{file.deletions}</span>
          </span>
        </button>
        {file.status === 'removed' ? null : (
          <button
            type="button"
            onClick={onOpenFile}
            className="shrink-0 rounded text-xs font-medium text-link underline underline-offset-4"
          >
            {t('diff.open')}
            <span className="sr-only"> {file.path}</span>
          </button>
        )}
      </div>
      {open ? (
        <div className="border-t border-line-soft">
          {file.patch ? (
            <DiffLines hunks={hunks} label={file.path} layout={layout} bare />
          ) : (
            <p className="p-3 text-xs text-muted">{t(file.binary ? 'diff.binary' : 'diff.tooLong')}</p>
          )}
        </div>
      ) : null}
    </section>
  )
}
