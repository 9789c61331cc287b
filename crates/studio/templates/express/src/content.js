// The texts of the site, read again for every page, so that a change shows at once.
import { readFileSync } from 'node:fs'

const file = new URL('../content.json', import.meta.url)

export function readContent() {
  return JSON.parse(readFileSync(file, 'utf8'))
}
