import type { Attachment } from './wire'

/** What goes along with a message stands in the model's window, so it is texts, and not many. */
export const MAX_FILES = 20
export const MAX_BYTES = 512 * 1024

export type Refusal =
  | { reason: 'tooLarge'; name: string }
  | { reason: 'tooMany' }
  | { reason: 'notText'; name: string }

/** Reads text files for a message, beside those that are there already; one of the same name takes its place. */
export async function attachFiles(
  before: readonly Attachment[],
  files: readonly File[],
): Promise<Attachment[] | Refusal> {
  const names = new Set(files.map((file) => file.name))
  const kept = before.filter((file) => !names.has(file.name))
  if (kept.length + files.length > MAX_FILES) return { reason: 'tooMany' }
  let size = kept.reduce((sum, file) => sum + new Blob([file.content]).size, 0)
  const added: Attachment[] = []
  for (const file of files) {
    size += file.size
    // Before it is read, so that a huge file never is.
    if (size > MAX_BYTES) return { reason: 'tooLarge', name: file.name }
    const content = await textOf(file)
    if (content === null) return { reason: 'notText', name: file.name }
    added.push({ name: file.name, content })
  }
  return [...kept, ...added]
}

/** The text of a file; null for one that is none. */
async function textOf(file: Blob): Promise<string | null> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer())
    return text.includes('\0') ? null : text
  } catch {
    return null
  }
}
