// How much the first page costs: everything the browser fetches before Today is on screen, compressed as the
// server sends it; how much a session of the Studio costs, with its first answer drawn; and how much memory costs
// beside the first page. Reads the manifest that Vite leaves beside the build and fails over a limit.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const LIMIT = 200_000
const STUDIO_LIMIT = 350_000
const MEMORY_LIMIT = 120_000
const dist = new URL('../dist/', import.meta.url).pathname
const manifest = JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8'))

/** A file and everything it imports at once; what it imports later does not count. */
function collect(key, files) {
  const chunk = manifest[key]
  if (!chunk || files.has(chunk.file)) return
  files.add(chunk.file)
  for (const css of chunk.css ?? []) files.add(css)
  for (const imported of chunk.imports ?? []) collect(imported, files)
}

const files = new Set()
collect('index.html', files)
// Loaded at once as well: the larger of the two languages, the theme script, the page, and the font. Geist Mono
// comes later, with the first piece of code on screen.
const texts = Object.keys(manifest).filter((key) => /^src\/lib\/i18n\/[^/]+$/.test(key))
const sizeOf = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length
const largest = texts.sort((a, b) => sizeOf(manifest[b].file) - sizeOf(manifest[a].file))[0]
if (!largest) throw new Error('the manifest names no texts: src/lib/i18n has moved')
collect(largest, files)
files.add('index.html')
files.add('first-paint.js')
const fonts = Object.values(manifest)
  .map((chunk) => chunk.file)
  .filter((file) => /geist-latin-wght/.test(file))
if (fonts.length !== 1) throw new Error(`expected one latin font in the manifest, found ${fonts.length}`)
for (const font of fonts) files.add(font)

let total = 0
for (const file of [...files].sort((a, b) => sizeOf(b) - sizeOf(a))) {
  total += sizeOf(file)
  console.log(`${String(sizeOf(file)).padStart(8)}  ${file}`)
}
console.log(`${String(total).padStart(8)}  first page, gzip (limit ${LIMIT})`)
if (total > LIMIT) {
  console.error(`The first page is ${total - LIMIT} bytes over its limit. Load something of it later.`)
  process.exit(1)
}

/** The first page and everything that these parts need as well. */
function withParts(...parts) {
  const all = new Set(files)
  for (const part of parts) {
    if (!manifest[part]) throw new Error(`the manifest does not name ${part}`)
    collect(part, all)
  }
  return [...all].reduce((sum, file) => sum + sizeOf(file), 0)
}

// The editor and its languages come later, with the first file that is opened.
const studio = withParts(
  'src/routes/studio.tsx',
  'src/components/ui/markdown.tsx',
  'src/lib/i18n/studio/pt-BR.json',
)
console.log(`${String(studio).padStart(8)}  a session of the Studio, gzip (limit ${STUDIO_LIMIT})`)
if (studio > STUDIO_LIMIT) {
  console.error(`The Studio is ${studio - STUDIO_LIMIT} bytes over its limit. Load something of it later.`)
  process.exit(1)
}

const memory = withParts('src/routes/memory.tsx', 'src/lib/i18n/memory/pt-BR.json') - total
console.log(`${String(memory).padStart(8)}  memory beside the first page, gzip (limit ${MEMORY_LIMIT})`)
if (memory > MEMORY_LIMIT) {
  console.error(`Memory is ${memory - MEMORY_LIMIT} bytes over its limit. Load something of it later.`)
  process.exit(1)
}
