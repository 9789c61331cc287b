/** Which language a file is in, by its name; null for one that has no colours. */
export type EditorLanguage =
  | 'javascript'
  | 'typescript'
  | 'jsx'
  | 'tsx'
  | 'css'
  | 'html'
  | 'json'
  | 'python'
  | 'markdown'
  | 'shell'

const BY_ENDING: Record<string, EditorLanguage> = {
  js: 'javascript',
  mjs: 'javascript',
  cjs: 'javascript',
  ts: 'typescript',
  mts: 'typescript',
  cts: 'typescript',
  jsx: 'jsx',
  tsx: 'tsx',
  css: 'css',
  html: 'html',
  htm: 'html',
  svg: 'html',
  vue: 'html',
  json: 'json',
  webmanifest: 'json',
  py: 'python',
  pyi: 'python',
  md: 'markdown',
  mdx: 'markdown',
  sh: 'shell',
  bash: 'shell',
}

export function languageOf(path: string): EditorLanguage | null {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  return BY_ENDING[name.slice(name.lastIndexOf('.') + 1)] ?? null
}

/** The same among the languages that text on the page is coloured in. */
export function syntaxOf(path: string): string | null {
  const language = languageOf(path)
  if (language === 'python' || language === 'shell' || language === null) return language
  return ['javascript', 'typescript', 'jsx', 'tsx'].includes(language) ? 'javascript' : null
}
