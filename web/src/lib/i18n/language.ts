export const LANGUAGES = ['en', 'pt-BR'] as const
export type Language = (typeof LANGUAGES)[number]

/** The language to begin with: the stored choice, else Portuguese for any Portuguese browser, else English. */
export function startLanguage(stored: string | null, browser: string): Language {
  if (stored === 'en' || stored === 'pt-BR') return stored
  return /^pt\b/i.test(browser) ? 'pt-BR' : 'en'
}
