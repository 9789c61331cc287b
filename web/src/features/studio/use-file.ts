import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { fileQuery, isCode, useWriteFile } from './api'
import { type Draft, standingOf } from './file-draft'
import { keepStored, readStored } from './stored'
import type { FileContent } from './wire'

/**
 * A file being looked at or changed. What is written is kept in this browser until it is saved, so it survives
 * moving about and loading the page anew; saving checks that nobody else has changed the file meanwhile.
 */
export function useFile(id: string, path: string) {
  const client = useQueryClient()
  const query = fileQuery(id, path)
  const read = useQuery(query)
  const write = useWriteFile(id)
  const key = `${id}.file.${path}`
  const [draft, setDraft] = useState(() => readStored<Draft | null>(key, null))
  const isGone = isCode(read.error, 'file_not_found')
  const file = isGone ? null : (read.data ?? null)
  const standing = read.data || isGone ? standingOf(file, draft) : null

  function keep(next: Draft | null) {
    setDraft(next)
    keepStored(key, next)
  }

  function save(anyway = false) {
    if (!standing?.isChanged || write.isPending) return
    const { text } = standing
    const expectedVersion = anyway ? (file?.version ?? '') : standing.base
    write.mutate(
      { path, content: text, expectedVersion },
      {
        onSuccess({ version }) {
          const size = new Blob([text]).size
          client.setQueryData<FileContent>(query.queryKey, {
            path,
            content: text,
            binary: false,
            size,
            version,
          })
          // What was written while it was being saved builds on what was saved.
          setDraft((now) => {
            const next = now && now.text !== text ? { text: now.text, version } : null
            keepStored(key, next)
            return next
          })
        },
      },
    )
  }

  return {
    read,
    file,
    standing,
    isGone,
    isSaving: write.isPending,
    // That it was changed meanwhile is told by its standing.
    saveError: isCode(write.error, 'file_changed', 'file_exists') ? null : write.error,
    edit(text: string) {
      if (!standing) return
      keep(file && text === file.content ? null : { text, version: standing.base })
    },
    save,
    takeTheirs: () => keep(null),
  }
}
