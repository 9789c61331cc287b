export interface Attachment {
  name: string
  size: number
  content_base64: string
}

/** All files of a goal together; the server's own limit on a request is a little above this, after encoding. */
export const MAX_ATTACHED_BYTES = 20_000_000

/** Reads a file for sending. */
export async function readAttachment(file: File): Promise<Attachment> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  return { name: file.name, size: file.size, content_base64: toBase64(bytes) }
}

/** In pieces, since a call can only take so many arguments. */
export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  }
  return btoa(text)
}

/** A file with the name of an earlier one takes its place. */
export function addAttachments(before: readonly Attachment[], added: readonly Attachment[]): Attachment[] {
  const names = new Set(added.map((file) => file.name))
  return [...before.filter((file) => !names.has(file.name)), ...added]
}
