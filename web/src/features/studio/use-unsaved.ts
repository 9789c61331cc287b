import { useMemo, useSyncExternalStore } from 'react'
import { onStored, unsavedPaths } from './stored'

/** The files of a session that have unsaved changes, kept current. */
export function useUnsaved(id: string): ReadonlySet<string> {
  const text = useSyncExternalStore(onStored, () => unsavedPaths(id).join('\n'))
  return useMemo(() => new Set(text === '' ? [] : text.split('\n')), [text])
}
