/** What is being written in a file, and the version of it that this began with. */
export interface Draft {
  text: string
  version: string
}

export interface Standing {
  text: string
  /** The version that what is written builds on. */
  base: string
  isChanged: boolean
  /** Somebody else has changed the file since, or removed it. */
  conflict: 'changed' | 'gone' | null
}

/** How a file stands: `file` is what is there now, null if it is not there any more. */
export function standingOf(file: { content: string; version: string } | null, draft: Draft | null): Standing {
  if (!file) return { text: draft?.text ?? '', base: '', isChanged: draft !== null, conflict: 'gone' }
  if (!draft || draft.text === file.content) {
    return { text: file.content, base: file.version, isChanged: false, conflict: null }
  }
  const conflict = draft.version === file.version ? null : 'changed'
  return { text: draft.text, base: draft.version, isChanged: true, conflict }
}
