/** What is being written, kept for this tab, so that neither a reload nor a look elsewhere loses it. */
const KEY = 'atelier.goal'

export function readDraft(): string {
  try {
    return sessionStorage.getItem(KEY) ?? ''
  } catch {
    return ''
  }
}

export function keepDraft(text: string): void {
  try {
    if (text) sessionStorage.setItem(KEY, text)
    else sessionStorage.removeItem(KEY)
  } catch {
    // It then lasts as long as the page.
  }
}
