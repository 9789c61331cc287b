import type { Artifact } from './api'

export type PreviewKind = 'image' | 'markdown' | 'csv' | 'text' | 'none'

const TEXT_TYPES = /^(text\/|application\/(json|x-ndjson|xml|javascript|x-sh|toml|yaml|x-yaml|sql))/
const TEXT_NAMES = /\.(txt|log|jsonl?|ndjson|py|m?js|ts|sh|sql|ya?ml|toml|xml|html?|css|rs|go)$/i

/** How a file can be shown. HTML is shown as text: nothing a run made is ever executed in this page. */
export function previewKind({ content_type, path }: Pick<Artifact, 'content_type' | 'path'>): PreviewKind {
  if (content_type.startsWith('image/')) return 'image'
  if (content_type.startsWith('text/markdown') || /\.(md|markdown)$/i.test(path)) return 'markdown'
  if (/^text\/(csv|tab-separated-values)/.test(content_type) || /\.(csv|tsv)$/i.test(path)) return 'csv'
  return TEXT_TYPES.test(content_type) || TEXT_NAMES.test(path) ? 'text' : 'none'
}
