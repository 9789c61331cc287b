import { useQueries, useQuery } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ChevronRight, File, FileSymlink, Folder, FolderOpen, LoaderCircle } from 'lucide-react'
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState } from '@/components/states/notices'
import { SkeletonList } from '@/components/ui/skeleton'
import { cn } from '@/lib/cn'
import { folderQuery } from '../api'
import { ancestorsOf, type FileRow, moveInTree, visibleRows } from '../file-rows'
import { useUnsaved } from '../use-unsaved'
import type { FileEntry } from '../wire'

interface Props {
  id: string
  file: string | undefined
  onOpen: (path: string) => void
  onActive: (entry: FileEntry | null) => void
  onRename: (entry: FileEntry) => void
  onRemove: (entry: FileEntry) => void
}

const ROW_PX = 28

/** The tree of a session's files. Folders are fetched when they are opened, rows drawn when they are in view. */
export function FileTree({ id, file, onOpen, onActive, onRename, onRemove }: Props) {
  const { t } = useTranslation('studio')
  const unsaved = useUnsaved(id)
  const own = useId()
  const box = useRef<HTMLDivElement>(null)
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(
    () => new Set(['src', 'app', ...(file ? ancestorsOf(file) : [])]),
  )
  const [activePath, setActivePath] = useState<string | null>(file ?? null)
  const top = useQuery({ ...folderQuery(id, ''), retry: false }).data
  const folders = useMemo(() => {
    // Folders that are open from the beginning need not be there.
    const there = new Set(top?.entries.map(({ name }) => name))
    return ['', ...[...expanded].filter((folder) => there.has(folder.split('/')[0] ?? ''))]
  }, [expanded, top])
  const listings = useQueries({
    queries: folders.map((folder) => ({ ...folderQuery(id, folder), retry: false })),
    combine: (results) => ({
      root: results[0],
      entries: new Map(
        results.flatMap((result, at) => {
          // A folder that is not there (any more) is shown as empty.
          const entries = result.data?.entries ?? (result.error ? [] : undefined)
          return entries ? [[folders[at] ?? '', entries] as const] : []
        }),
      ),
      truncated: results.some((result) => result.data?.truncated),
    }),
  })
  const rows = useMemo(() => visibleRows(listings.entries, expanded), [listings.entries, expanded])
  const at = Math.max(
    0,
    rows.findIndex((row) => row.entry.path === activePath),
  )
  const active = rows[at]
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 15,
    getItemKey: (index) => rows[index]?.entry.path ?? index,
  })

  // A file that was opened from elsewhere is shown in its place.
  useEffect(() => {
    if (!file) return
    setActivePath(file)
    setExpanded((before) => {
      const needed = ancestorsOf(file).filter((folder) => !before.has(folder))
      return needed.length === 0 ? before : new Set([...before, ...needed])
    })
  }, [file])

  const entry = activePath === null ? null : (active?.entry ?? null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: told when another one is active
  useEffect(() => onActive(entry), [entry?.path])

  function toggle(path: string) {
    setExpanded((before) => {
      const next = new Set(before)
      if (!next.delete(path)) next.add(path)
      return next
    })
  }

  function act(row: FileRow) {
    setActivePath(row.entry.path)
    if (row.entry.type === 'dir') toggle(row.entry.path)
    else onOpen(row.entry.path)
  }

  function keys(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey || !active) return
    if (event.key === 'F2' || event.key === 'Delete') {
      event.preventDefault()
      setActivePath(active.entry.path)
      if (event.key === 'F2') onRename(active.entry)
      else onRemove(active.entry)
      return
    }
    const move = moveInTree(rows, at, event.key)
    if (!move) return
    event.preventDefault()
    if (move.kind === 'go') {
      setActivePath(rows[move.to]?.entry.path ?? null)
      virtual.scrollToIndex(move.to)
    } else {
      setActivePath(move.path)
      if (move.kind === 'toggle') toggle(move.path)
      else onOpen(move.path)
    }
  }

  if (listings.root?.error && !listings.root.data) {
    return <ErrorState error={listings.root.error} onRetry={() => void listings.root?.refetch()} />
  }
  if (listings.root?.isPending) {
    return (
      <div className="p-3">
        <SkeletonList rows={6} height="h-5" />
      </div>
    )
  }
  if (rows.length === 0) return <p className="p-6 text-center text-muted">{t('file.empty')}</p>
  return (
    <div
      ref={box}
      role="tree"
      aria-label={t('file.tree')}
      aria-activedescendant={active ? `${own}-${at}` : undefined}
      tabIndex={0}
      onKeyDown={keys}
      className="group/tree h-full overflow-auto py-1.5 text-[0.8125rem] -outline-offset-2"
    >
      <div role="none" className="relative" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index]
          if (!row) return null
          return (
            <TreeRow
              key={item.key}
              id={`${own}-${item.index}`}
              row={row}
              isActive={item.index === at}
              isOpen={row.entry.path === file}
              isUnsaved={unsaved.has(row.entry.path)}
              top={item.start}
              onPress={() => act(row)}
            />
          )
        })}
      </div>
      {listings.truncated ? (
        <p role="none" className="px-3 py-1 text-xs text-muted">
          {t('file.truncated')}
        </p>
      ) : null}
    </div>
  )
}

interface RowProps {
  id: string
  row: FileRow
  isActive: boolean
  isOpen: boolean
  isUnsaved: boolean
  top: number
  onPress: () => void
}

function TreeRow({ id, row, isActive, isOpen, isUnsaved, top, onPress }: RowProps) {
  const { t } = useTranslation('studio')
  const { entry } = row
  const isFolder = entry.type === 'dir'
  const Icon = isFolder ? (row.expanded ? FolderOpen : Folder) : entry.type === 'link' ? FileSymlink : File
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys
    // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus and names the active row
    <div
      id={id}
      role="treeitem"
      aria-level={row.level}
      aria-posinset={row.place}
      aria-setsize={row.count}
      aria-expanded={isFolder ? row.expanded : undefined}
      aria-selected={isOpen}
      onClick={onPress}
      className={cn(
        'absolute inset-x-1.5 top-0 flex cursor-pointer items-center gap-1.5 rounded-md pr-2 whitespace-nowrap hover:bg-sunken',
        isOpen && 'bg-sunken font-medium',
        isActive &&
          'group-focus-visible/tree:outline-2 group-focus-visible/tree:-outline-offset-2 group-focus-visible/tree:outline-focus',
      )}
      style={{ height: ROW_PX, transform: `translateY(${top}px)`, paddingLeft: `${row.level * 14 - 6}px` }}
    >
      <ChevronRight
        className={cn(
          'size-3.5 shrink-0 text-muted transition-transform',
          row.expanded && 'rotate-90',
          !isFolder && 'invisible',
        )}
        aria-hidden="true"
      />
      {row.loading ? (
        <LoaderCircle className="size-4 shrink-0 animate-spin text-muted" aria-hidden="true" />
      ) : (
        <Icon className="size-4 shrink-0 text-muted" aria-hidden="true" />
      )}
      <span className="truncate">{entry.name}</span>
      {isUnsaved ? (
        <span className="ml-auto size-1.5 shrink-0 rounded-full bg-wait">
          <span className="sr-only">{t('file.unsaved')}</span>
        </span>
      ) : null}
    </div>
  )
}
