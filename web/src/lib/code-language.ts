const NAMES: Record<string, string> = { python: 'Python', javascript: 'JavaScript', shell: 'Shell' }

const ALIASES: Record<string, string> = {
  py: 'python',
  python3: 'python',
  js: 'javascript',
  node: 'javascript',
  sh: 'shell',
  bash: 'shell',
}

/** The language that is meant, by the name the server uses for it where it has one. */
export function canonicalLanguage(language: string): string {
  const name = language.trim().toLowerCase()
  return ALIASES[name] ?? name
}

/** The name of a programming language as people write it. */
export function languageName(language: string): string {
  return NAMES[canonicalLanguage(language)] ?? language
}
