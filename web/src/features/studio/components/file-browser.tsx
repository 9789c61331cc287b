import { useQuery } from '@tanstack/react-query'
import { CaseSensitive, FilePlus, Pencil, Regex, Search, Trash2 } from 'lucide-react'
import { useDeferredValue, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Confirm } from '@/components/ui/confirm'
import { Dialog } from '@/components/ui/dialog'
import { Field, Input } from '@/components/ui/field'
import { Skeleton } from '@/components/ui/skeleton'
import { announce } from '@/lib/announce'
import { cn } from '@/lib/cn'
import { fileSearchQuery, useRemoveFile, useRenameFile, useWriteFile } from '../api'
import { parentOf } from '../file-rows'
import type { FileEntry, FileMatch } from '../wire'
import { FileTree } from './file-tree'

interface Props {
  id: string
  file: string | undefined
  onOpen: (file: string, line?: string) => void
  /** A file or folder has another path, or is gone. */
  onMoved: (from: string, to: string | null) => void
}

type Naming = { kind: 'new'; start: string } | { kind: 'rename'; path: string }

/** The tree of files, the search through them, and what can be done with one. */
export function FileBrowser({ id, file, onOpen, onMoved }: Props) {
  const { t } = useTranslation('studio')
  const [text, setText] = useState('')
  const [regex, setRegex] = useState(false)
  const [matchCase, setMatchCase] = useState(false)
  const [active, setActive] = useState<FileEntry | null>(null)
  const [naming, setNaming] = useState<Naming | null>(null)
  const [removing, setRemoving] = useState<FileEntry | null>(null)
  const remove = useRemoveFile(id)
  const wanted = useDeferredValue(text.trim())
  const folder = active ? (active.type === 'dir' ? active.path : parentOf(active.path)) : ''

  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex shrink-0 flex-col gap-1.5 border-b border-line-soft p-2">
        <div className="relative">
          <Search
            className="pointer-events-none absolute top-2 left-2.5 size-4 text-muted"
            aria-hidden="true"
          />
          <Input
            type="search"
            aria-label={t('file.search')}
            placeholder={t('file.search')}
            value={text}
            onChange={(event) => setText(event.target.value)}
            className="!h-8 pl-8 text-[0.8125rem]"
          />
        </div>
        <div className="flex items-center gap-0.5">
          {wanted ? (
            <>
              <Toggle label={t('file.matchCase')} pressed={matchCase} onPress={setMatchCase}>
                <CaseSensitive />
              </Toggle>
              <Toggle label={t('file.regex')} pressed={regex} onPress={setRegex}>
                <Regex />
              </Toggle>
            </>
          ) : (
            <>
              <ToolButton
                label={t('file.new')}
                onClick={() => setNaming({ kind: 'new', start: folder ? `${folder}/` : '' })}
              >
                <FilePlus />
              </ToolButton>
              <ToolButton
                label={t('file.rename')}
                disabled={!active}
                onClick={() => active && setNaming({ kind: 'rename', path: active.path })}
              >
                <Pencil />
              </ToolButton>
              <ToolButton label={t('file.delete')} disabled={!active} onClick={() => setRemoving(active)}>
                <Trash2 />
              </ToolButton>
            </>
          )}
        </div>
      </div>
      {remove.error ? <InlineError error={remove.error} className="m-2" /> : null}
      <div className="min-h-0 flex-1">
        {wanted ? (
          <SearchResults id={id} q={wanted} regex={regex} matchCase={matchCase} onOpen={onOpen} />
        ) : (
          <FileTree
            id={id}
            file={file}
            onOpen={(path) => onOpen(path)}
            onActive={setActive}
            onRename={(entry) => setNaming({ kind: 'rename', path: entry.path })}
            onRemove={setRemoving}
          />
        )}
      </div>
      {naming ? (
        <NameDialog
          id={id}
          naming={naming}
          onClose={() => setNaming(null)}
          onNamed={(path) => {
            if (naming.kind === 'rename') onMoved(naming.path, path)
            else onOpen(path)
            setNaming(null)
          }}
        />
      ) : null}
      <Confirm
        open={removing !== null}
        onClose={() => setRemoving(null)}
        title={t('file.deleteTitle', { path: removing?.path ?? '' })}
        detail={t(removing?.type === 'dir' ? 'file.deleteFolder' : 'file.deleteDetail')}
        action={t('file.delete')}
        keep={t('act.cancel')}
        onConfirm={() => {
          if (!removing) return
          const { path } = removing
          remove.mutate(
            { path, label: t('file.deleteLabel', { path }).slice(0, 200) },
            {
              onSuccess() {
                announce(t('file.deleted', { path }))
                onMoved(path, null)
              },
            },
          )
        }}
      />
    </div>
  )
}

interface ToolButtonProps {
  label: string
  disabled?: boolean
  onClick: () => void
  children: React.ReactNode
}

function ToolButton({ label, disabled, onClick, children }: ToolButtonProps) {
  return (
    <Button
      variant="ghost"
      size="icon"
      className="!size-7 text-muted"
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      {children}
    </Button>
  )
}

interface ToggleProps {
  label: string
  pressed: boolean
  onPress: (pressed: boolean) => void
  children: React.ReactNode
}

function Toggle({ label, pressed, onPress, children }: ToggleProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      onClick={() => onPress(!pressed)}
      className={cn(
        'grid size-7 place-items-center rounded-md [&_svg]:size-4',
        pressed ? 'bg-primary-soft text-ink' : 'text-muted hover:bg-sunken',
      )}
    >
      {children}
    </button>
  )
}

interface ResultsProps {
  id: string
  q: string
  regex: boolean
  matchCase: boolean
  onOpen: (file: string, line?: string) => void
}

function SearchResults({ id, q, regex, matchCase, onOpen }: ResultsProps) {
  const { t } = useTranslation('studio')
  const found = useQuery(fileSearchQuery(id, { q, regex, matchCase }))
  if (found.error) return <InlineError error={found.error} className="m-2" />
  if (!found.data) return <Skeleton className="m-3 h-24" />
  const { matches, truncated } = found.data
  const byFile = grouped(matches)
  return (
    <div className="h-full overflow-y-auto p-1.5">
      <p role="status" className="px-2 py-1 text-xs text-muted">
        {t(truncated ? 'file.foundMore' : 'file.found', { count: matches.length })}
      </p>
      <ul>
        {[...byFile].map(([path, lines]) => (
          <li key={path} className="mb-2">
            <p className="truncate px-2 py-1 font-mono text-xs font-medium" title={path}>
              {path}
            </p>
            <ul>
              {lines.map((match) => (
                <li key={`${match.line} ${match.column}`}>
                  <button
                    type="button"
                    onClick={() => onOpen(path, String(match.line))}
                    className="flex w-full gap-2.5 rounded px-2 py-0.5 text-left font-mono text-xs -outline-offset-2 hover:bg-sunken"
                  >
                    <span className="w-7 shrink-0 text-right text-muted tabular-nums">{match.line}</span>
                    <span className="min-w-0 truncate">{match.text.trim()}</span>
                  </button>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </div>
  )
}

function grouped(matches: readonly FileMatch[]): Map<string, FileMatch[]> {
  const files = new Map<string, FileMatch[]>()
  for (const match of matches) files.set(match.path, [...(files.get(match.path) ?? []), match])
  return files
}

interface NameDialogProps {
  id: string
  naming: Naming
  onClose: () => void
  onNamed: (path: string) => void
}

/** Asks for the path of a new file, or the new path of one. */
function NameDialog({ id, naming, onClose, onNamed }: NameDialogProps) {
  const { t } = useTranslation('studio')
  const field = useId()
  const write = useWriteFile(id)
  const rename = useRenameFile(id)
  const isNew = naming.kind === 'new'
  const [path, setPath] = useState(isNew ? naming.start : naming.path)
  const wanted = path.trim().replace(/^\/+/, '')

  function submit() {
    if (wanted === '' || wanted.endsWith('/')) return
    const done = { onSuccess: () => onNamed(wanted) }
    if (isNew) write.mutate({ path: wanted, content: '', expectedVersion: '' }, done)
    else rename.mutate({ from: naming.path, to: wanted }, done)
  }

  return (
    <Dialog open onClose={onClose} title={t(isNew ? 'file.new' : 'file.rename')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <Field label={t('file.path')} htmlFor={field} hint={t('file.pathHint')}>
          <Input
            id={field}
            value={path}
            spellCheck={false}
            autoComplete="off"
            className="font-mono text-[0.8125rem]"
            onChange={(event) => setPath(event.target.value)}
          />
        </Field>
        {write.error || rename.error ? (
          <InlineError error={write.error ?? rename.error} className="mt-4" />
        ) : null}
        <div className="mt-5 flex justify-end gap-2">
          <Button variant="ghost" onClick={onClose}>
            {t('act.cancel')}
          </Button>
          <Button
            variant="primary"
            type="submit"
            disabled={wanted === '' || wanted.endsWith('/') || write.isPending || rename.isPending}
          >
            {t(isNew ? 'file.create' : 'file.rename')}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
