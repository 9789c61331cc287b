// Reads a template and holds it to the rules that need no installation.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fill, readTranslation, translate } from './recipes.mjs'

export const root = path.dirname(import.meta.dirname)

/** Of a template's folder, what describes it and is not part of the project. */
export const NOT_COPIED = ['template.toml', 'recipes']

/** Files that are the same in several templates, so that a change is made in all of them. */
const SHARED = [
  ['vite-react/src/theme.css', 'nextjs/app/theme.css', 'express/public/theme.css', 'fastapi/app/static/theme.css'],
  ['vite-react/src/style.css', 'nextjs/app/style.css', 'express/public/style.css', 'fastapi/app/static/style.css'],
  ['vite-react/src/content.json', 'nextjs/content.json', 'express/content.json', 'fastapi/app/content.json'],
  ['vite-react', 'nextjs', 'express', 'fastapi'].map((name) => `${name}/recipes/content.pt-BR.json`),
  ['vite-react', 'nextjs', 'express', 'fastapi'].map((name) => `${name}/recipes/sections.pt-BR.json`),
]

export function listTemplates() {
  return readdirSync(root).filter((name) => existsSync(path.join(root, name, 'template.toml')))
}

/** The description of a template. Node reads no TOML, Python does. */
export function readTemplate(name) {
  const program = 'import json, sys, tomllib; print(json.dumps(tomllib.load(sys.stdin.buffer)))'
  const input = readFileSync(path.join(root, name, 'template.toml'))
  const template = JSON.parse(execFileSync('python3', ['-c', program], { input, encoding: 'utf8' }))
  return { recipe: [], check: [], ...template, folder: path.join(root, name) }
}

export function checkShared() {
  for (const [first, ...others] of SHARED) {
    for (const other of others) assert.equal(read(other), read(first), `${other} differs from ${first}`)
  }
  for (const [of, like] of [['nextjs', 'vite-react'], ['fastapi', 'express']]) {
    const folder = path.join(root, of, 'recipes/sections')
    for (const name of readdirSync(folder).filter((name) => name.endsWith('.css'))) {
      const own = `${of}/recipes/sections/${name}`
      const other = `${like}/recipes/sections/${name}`
      if (existsSync(path.join(root, other))) assert.equal(read(own), read(other), `${own} differs from ${other}`)
    }
  }
}

/** What is said in the description holds in the folder. */
export function checkTemplate(template) {
  assert.equal(template.schema, 1)
  assert.equal(template.name, path.basename(template.folder))
  for (const text of [template.title, template.description]) assertTranslated(text)
  checkAddresses(template)
  if (template.theme) checkTheme(template)
  if (template.texts) checkTexts(template)
  for (const recipe of template.recipe) checkRecipe(template, recipe)
  if (template.recipe.length > 0) checkTranslation(template)
}

/** Every translated text is in some source, so that none is left in English by a change of its original. */
function checkTranslation(template) {
  const files = template.recipe.flatMap((recipe) => recipe.file ?? [])
  const sources = files.map((file) => readFileSync(path.join(template.folder, file.source), 'utf8'))
  const texts = readTranslation(template, 'pt-BR')
  for (const recipe of template.recipe.filter(({ kind }) => kind === 'section')) {
    assert.ok(texts[recipe.expects], `${recipe.id} expects a text that is not translated`)
  }
  for (const text of Object.keys(texts)) {
    const isThere = sources.some((source) => translate(source, { [text]: '' }) !== source)
    assert.ok(isThere, `"${text}" is translated, but in no recipe`)
  }
}

function checkAddresses({ folder }) {
  for (const name of ['package-lock.json', 'requirements.txt', 'requirements.lock', '.npmrc']) {
    const file = path.join(folder, name)
    if (!existsSync(file)) continue
    const text = readFileSync(file, 'utf8')
    assert.ok(!text.includes('://') && !text.includes('"resolved"'), `an address in ${name}`)
  }
  const manifest = path.join(folder, 'package.json')
  if (!existsSync(manifest)) return
  const { dependencies, devDependencies } = JSON.parse(readFileSync(manifest, 'utf8'))
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    assert.match(version, /^\d+\.\d+\.\d+$/, `${name} is not pinned`)
  }
}

function checkRecipe(template, recipe) {
  assertTranslated(recipe.title)
  assert.ok(recipe.words.en.length > 0 && recipe.words['pt-BR'].length > 0, `${recipe.id} has words`)
  const fields = { title: 'Our team', page: template.pages.first }
  for (const file of recipe.file ?? []) {
    assert.ok(existsSync(path.join(template.folder, file.source)), `${recipe.id}: ${file.source} is missing`)
  }
  for (const insert of recipe.insert ?? []) {
    const target = path.join(template.folder, fill(insert.path, fields))
    const count = readFileSync(target, 'utf8').split(insert.marker).length - 1
    assert.equal(count, 1, `${recipe.id}: ${insert.marker} in ${insert.path}`)
  }
}

function checkTexts({ folder, texts }) {
  const content = JSON.parse(readFileSync(path.join(folder, texts.file), 'utf8'))
  for (const file of Object.values(texts.languages)) {
    const other = JSON.parse(readFileSync(path.join(folder, file), 'utf8'))
    assert.deepEqual(shape(other), shape(content), `${file} has other entries`)
  }
  for (const entry of texts.entry) {
    assertTranslated(entry.title)
    const value = entry.pointer.split('/').slice(1).reduce((at, key) => at?.[key], content)
    assert.equal(typeof value, 'string', `${entry.pointer} of ${texts.file}`)
  }
}

/** Every palette names every colour, and what is written can be read (WCAG 2, 4.5 to 1). */
function checkTheme({ folder, theme }) {
  const css = readFileSync(path.join(folder, theme.file), 'utf8')
  for (const palette of theme.palette) {
    assertTranslated(palette.title)
    for (const [mode, colours] of [['light', palette.light], ['dark', palette.dark]]) {
      assert.deepEqual(Object.keys(colours), theme.variables, `variables of ${palette.id}, ${mode}`)
      const pairs = [['ink', 'canvas'], ['ink', 'surface'], ['muted', 'canvas'], ['muted', 'surface'], ['link', 'canvas'], ['link', 'surface'], ['accent-ink', 'accent']]
      for (const [front, back] of pairs) {
        const ratio = contrast(colours[`--${front}`], colours[`--${back}`])
        assert.ok(ratio >= 4.5, `${palette.id}, ${mode}: ${front} on ${back} is ${ratio.toFixed(2)} to 1`)
      }
    }
  }
  const [first] = theme.palette
  const marked = [css.split(theme.markers.light)[1].split(theme.markers.dark)[0], css.split(theme.markers.dark)[1]]
  for (const [part, colours] of [[marked[0], first.light], [marked[1], first.dark]]) {
    for (const [name, colour] of Object.entries(colours)) {
      assert.ok(part.includes(`${name}: ${colour};`), `${name} in ${theme.file} is not that of ${first.id}`)
    }
  }
}

function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour) {
  const channels = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
  const [red, green, blue] = channels.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function shape(value) {
  if (Array.isArray(value)) return value.map(shape)
  if (value === null || typeof value !== 'object') return typeof value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]))
}

function assertTranslated(text) {
  for (const language of ['en', 'pt-BR']) assert.ok(text?.[language], `a text without ${language}: ${JSON.stringify(text)}`)
}

function read(file) {
  return readFileSync(path.join(root, file), 'utf8')
}
