import type { SubmitRun } from './api'

export interface Attachment {
  name: string
  size: number
  content_base64: string
}

// What the server takes of a goal; see `InputFile` and `SubmitRun` in its interface.
const MAX_BODY_BYTES = 16 * 1024 * 1024
export const MAX_FILES = 64
const LONGEST_NAME = 200

/** All files of a goal together. Base64 makes them a third larger; what is left of a request is for the goal. */
export const MAX_ATTACHED_BYTES = 11_000_000

/** Why files cannot go along with a goal, and what to put into the message about it. */
export type Refusal =
  | { reason: 'tooLarge'; size: number }
  | { reason: 'tooMany' }
  | { reason: 'badName'; name: string }
  | { reason: 'unreadable'; name: string }

/** Why these files would be refused, if they would. Looks at no content, so that a huge file is never read. */
export function refusalOf(files: readonly { name: string; size: number }[]): Refusal | null {
  const bad = files.find(
    ({ name }) => name.startsWith('.') || name.length > LONGEST_NAME || hasForbidden(name),
  )
  if (bad) return { reason: 'badName', name: bad.name }
  if (files.length > MAX_FILES) return { reason: 'tooMany' }
  const size = files.reduce((sum, file) => sum + file.size, 0)
  return size > MAX_ATTACHED_BYTES ? { reason: 'tooLarge', size } : null
}

/** Whether a goal with all that goes along with it is too large for one request. */
export function isTooLarge(body: SubmitRun): boolean {
  return new Blob([JSON.stringify(body)]).size > MAX_BODY_BYTES
}

function hasForbidden(name: string): boolean {
  return [...name].some((letter) => letter === '\\' || letter === '/' || letter < ' ')
}

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
export function addFiles<T extends { name: string }>(before: readonly T[], added: readonly T[]): T[] {
  const names = new Set(added.map((file) => file.name))
  return [...before.filter((file) => !names.has(file.name)), ...added]
}
