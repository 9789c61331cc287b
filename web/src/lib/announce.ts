/**
 * Says something to people who use a screen reader, through the one live region that the shell keeps.
 * The same text twice in a row is said twice.
 */
const listeners = new Set<(text: string) => void>()

export function announce(text: string): void {
  for (const listener of listeners) listener(text)
}

export function onAnnouncement(listener: (text: string) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
