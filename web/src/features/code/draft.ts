import type { CodeLanguage } from './api'

/** The snippet being written in each language, kept for this tab. */
const KEY = 'atelier.code'

const FIRST: Record<CodeLanguage, string> = {
  python: 'import sys\n\nprint("Hello from Python", sys.version.split()[0])\n',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the snippet's own template
  javascript: 'console.log(`Hello from Node ${process.version}`)\n',
  shell: 'echo "Hello from $0"\n',
}

export function readCode(language: CodeLanguage): string {
  try {
    return sessionStorage.getItem(`${KEY}.${language}`) ?? FIRST[language]
  } catch {
    return FIRST[language]
  }
}

export function keepCode(language: CodeLanguage, code: string): void {
  try {
    sessionStorage.setItem(`${KEY}.${language}`, code)
  } catch {
    // It then lasts as long as the page.
  }
}
