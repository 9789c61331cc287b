// Applies what a template describes as data: recipes, texts, palettes. The Studio does the same.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** What the placeholders of a recipe stand for. */
export function namesOf(title) {
  const words = title.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase().match(/[a-z0-9]+/g) ?? ['page']
  const slug = /^[a-z]/.test(words[0]) ? words.join('-') : `page-${words.join('-')}`
  const name = slug.replace(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase())
  return { name, slug }
}

/** Replaces the placeholders; whatever else stands in braces is left as it is. */
export function fill(text, { title = '', page = '' }) {
  const { name, slug } = namesOf(title)
  const values = {
    '{Name}': name,
    '{slug}': slug,
    '{title:text}': title,
    '{title:json}': JSON.stringify(title),
    '{title:html}': title.replace(/[&<>"'{}]/g, (letter) => `&#${letter.charCodeAt(0)};`),
    '{page}': page,
  }
  return text.replace(/\{(?:Name|slug|title:(?:text|json|html)|page)\}/g, (placeholder) => values[placeholder])
}

/** Puts whole texts of a source into another language: those that stand alone between quotes, tags or line ends. */
export function translate(source, texts) {
  const escaped = Object.keys(texts).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const whole = new RegExp(`(?<=['">]|^\\s*)(?:${escaped.join('|')})(?=['"<]|\\s*$)`, 'gm')
  return source.replace(whole, (text) => texts[text])
}

/** The texts of recipes in another language, by what they are in English; none for English. */
export function readTranslation(template, language) {
  const file = template.texts.recipes[language]
  return file ? JSON.parse(readFileSync(path.join(template.folder, file), 'utf8')) : {}
}

/** Writes the files of a recipe and inserts its lines. Twice is the same as once. */
export function applyRecipe(template, recipe, project, { language = 'en', ...fields }) {
  const known = { page: template.pages.first, ...fields }
  const texts = readTranslation(template, language)
  for (const { path: to, source, replace = false } of recipe.file ?? []) {
    const target = path.join(project, fill(to, known))
    if (existsSync(target) && !replace) continue
    mkdirSync(path.dirname(target), { recursive: true })
    const content = readFileSync(path.join(template.folder, source), 'utf8')
    writeFileSync(target, fill(language === 'en' ? content : translate(content, texts), known))
  }
  for (const { path: to, marker, text } of recipe.insert ?? []) {
    const target = path.join(project, fill(to, known))
    writeFileSync(target, insertBefore(readFileSync(target, 'utf8'), marker, fill(text, known)))
  }
}

/** Puts lines before the one that holds the marker, as far indented as that one, unless they are there. */
export function insertBefore(content, marker, text) {
  const lines = content.split('\n')
  const at = lines.findIndex((line) => line.includes(marker))
  assert.ok(at >= 0, `no ${marker}`)
  const indent = lines[at].match(/^\s*/)[0]
  const added = text.split('\n').map((line) => indent + line)
  if (content.includes(added.join('\n'))) return content
  lines.splice(at, 0, ...added)
  return lines.join('\n')
}

/** Sets one text, named by its JSON pointer. */
export function changeText(template, project, pointer, value) {
  const file = path.join(project, template.texts.file)
  const content = JSON.parse(readFileSync(file, 'utf8'))
  const keys = pointer.split('/').slice(1)
  const last = keys.pop()
  const parent = keys.reduce((at, key) => at[key], content)
  parent[last] = value
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`)
}

/** Gives the variables of the theme the colours of a palette, in its light and in its dark part. */
export function applyPalette({ theme }, project, palette) {
  const file = path.join(project, theme.file)
  const lines = readFileSync(file, 'utf8').split('\n')
  let colours = {}
  const changed = lines.map((line) => {
    if (line.includes(theme.markers.light)) colours = palette.light
    if (line.includes(theme.markers.dark)) colours = palette.dark
    const name = line.match(/^\s*(--[\w-]+):/)?.[1]
    return colours[name] ? line.replace(/:.*$/, `: ${colours[name]};`) : line
  })
  writeFileSync(file, changed.join('\n'))
}
