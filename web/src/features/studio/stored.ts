/** Small things that this browser keeps of a session: what is being written, and how the panels stand. */

const PREFIX = 'atelier.studio'
const listeners = new Set<() => void>()

/** Called whenever something is kept or removed. */
export function onStored(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function readStored<T>(key: string, fallback: T): T {
  try {
    const text = localStorage.getItem(`${PREFIX}.${key}`)
    return text === null ? fallback : (JSON.parse(text) as T)
  } catch {
    return fallback
  }
}

/** Keeps a value; null removes it. */
export function keepStored(key: string, value: unknown): void {
  try {
    if (value === null) localStorage.removeItem(`${PREFIX}.${key}`)
    else localStorage.setItem(`${PREFIX}.${key}`, JSON.stringify(value))
  } catch {
    // It then lasts as long as the page.
  }
  for (const listener of [...listeners]) listener()
}

/** Removes all that is kept of a session. */
export function forgetSession(id: string): void {
  try {
    const own = Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}.${id}.`))
    for (const key of own) localStorage.removeItem(key)
  } catch {
    // Nothing was kept, then.
  }
}

/** Paths of the files with unsaved changes in a session. */
export function unsavedPaths(id: string): string[] {
  const prefix = `${PREFIX}.${id}.file.`
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length))
  } catch {
    return []
  }
}
