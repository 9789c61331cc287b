import type { FileEntry } from './wire'

/** A row of the tree as it is on screen. */
export interface FileRow {
  entry: FileEntry
  level: number
  /** Its place among its siblings, from 1, and how many they are. */
  place: number
  count: number
  expanded: boolean
  /** Its folder is open and what is in it has not arrived yet. */
  loading: boolean
}

/** The rows of a tree of which some folders are open. `listings` has the entries of those that have arrived. */
export function visibleRows(
  listings: ReadonlyMap<string, readonly FileEntry[]>,
  expanded: ReadonlySet<string>,
  folder = '',
  level = 1,
): FileRow[] {
  const entries = listings.get(folder) ?? []
  return entries.flatMap((entry, at) => {
    const open = entry.type === 'dir' && expanded.has(entry.path)
    const row: FileRow = {
      entry,
      level,
      place: at + 1,
      count: entries.length,
      expanded: open,
      loading: open && !listings.has(entry.path),
    }
    return open ? [row, ...visibleRows(listings, expanded, entry.path, level + 1)] : [row]
  })
}

export function parentOf(path: string): string {
  const end = path.lastIndexOf('/')
  return end < 0 ? '' : path.slice(0, end)
}

/** All folders that have to be open for a path to be seen. */
export function ancestorsOf(path: string): string[] {
  const parent = parentOf(path)
  return parent === '' ? [] : [...ancestorsOf(parent), parent]
}

/** What a key does in the tree: where to go, and what to open or close. */
export type TreeMove =
  | { kind: 'go'; to: number }
  | { kind: 'toggle'; path: string }
  | { kind: 'open'; path: string }
  | null

/** Follows the ARIA authoring practices for trees. */
export function moveInTree(rows: readonly FileRow[], at: number, key: string): TreeMove {
  const row = rows[at]
  const go = (to: number): TreeMove => (rows[to] ? { kind: 'go', to } : null)
  switch (key) {
    case 'ArrowDown':
      return go(at + 1)
    case 'ArrowUp':
      return go(at - 1)
    case 'Home':
      return go(0)
    case 'End':
      return go(rows.length - 1)
    case 'ArrowRight':
      if (row?.entry.type !== 'dir') return null
      if (!row.expanded) return { kind: 'toggle', path: row.entry.path }
      return rows[at + 1]?.level === row.level + 1 ? go(at + 1) : null
    case 'ArrowLeft': {
      if (row?.expanded) return { kind: 'toggle', path: row.entry.path }
      const parent = row ? parentOf(row.entry.path) : ''
      return go(rows.findIndex((other) => other.entry.path === parent))
    }
    case 'Enter':
    case ' ':
      if (!row) return null
      return { kind: row.entry.type === 'dir' ? 'toggle' : 'open', path: row.entry.path }
    default:
      return key.length === 1 ? startingWith(rows, at, key) : null
  }
}

function startingWith(rows: readonly FileRow[], at: number, letter: string): TreeMove {
  const wanted = letter.toLocaleLowerCase()
  for (let step = 1; step <= rows.length; step += 1) {
    const to = (at + step) % rows.length
    if (rows[to]?.entry.name.toLocaleLowerCase().startsWith(wanted)) return { kind: 'go', to }
  }
  return null
}
