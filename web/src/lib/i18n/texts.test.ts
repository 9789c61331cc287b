import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import en from './en.json'
import { startLanguage } from './language'
import memoryEn from './memory/en.json'
import memoryPtBR from './memory/pt-BR.json'
import modelsEn from './models/en.json'
import modelsPtBR from './models/pt-BR.json'
import ptBR from './pt-BR.json'
import studioEn from './studio/en.json'
import studioPtBR from './studio/pt-BR.json'

type Tree = { [key: string]: string | Tree }

function flatten(tree: Tree, prefix = ''): Map<string, string> {
  const texts = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') texts.set(prefix + key, value)
    else for (const [inner, text] of flatten(value, `${prefix}${key}.`)) texts.set(inner, text)
  }
  return texts
}

const english = new Map([...flatten(en), ...flatten(modelsEn), ...flatten(studioEn), ...flatten(memoryEn)])
const portuguese = new Map([
  ...flatten(ptBR),
  ...flatten(modelsPtBR),
  ...flatten(studioPtBR),
  ...flatten(memoryPtBR),
])
const plain = (key: string) => key.replace(/_(one|many|other)$/, '')
const slots = (text: string) => [...new Set(text.match(/{{\w+}}/g) ?? [])].sort()

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
}
const source = sources(join(import.meta.dirname, '../..')).join('\n')

test('no key stands in two files', () => {
  const all = [en, modelsEn, studioEn, memoryEn].flatMap((texts) => [...flatten(texts).keys()])
  expect(all.filter((key, place) => all.indexOf(key) < place)).toEqual([])
})

test('both languages have the same texts', () => {
  const keys = (texts: Map<string, string>) => [...new Set([...texts.keys()].map(plain))].sort()
  expect(keys(portuguese)).toEqual(keys(english))
})

test('a text has the same places to fill in both languages', () => {
  for (const [key, text] of english) expect(slots(portuguese.get(key) ?? ''), key).toEqual(slots(text))
})

test('plurals have every form their language asks for', () => {
  for (const [texts, language] of [
    [english, 'en'],
    [portuguese, 'pt-BR'],
  ] as const) {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories
    const counted = new Set([...texts.keys()].filter((key) => plain(key) !== key).map(plain))
    for (const key of counted)
      for (const form of forms) expect(texts.has(`${key}_${form}`), `${key}_${form}`).toBe(true)
  }
})

test('no text is left over', () => {
  const used = (key: string) => {
    if (source.includes(`'${plain(key)}'`)) return true
    // Keys that are put together, like `status.${run.status}`: their beginning stands in the source.
    const parts = plain(key).split('.')
    return parts.some((_, end) => end > 0 && source.includes(`\`${parts.slice(0, end).join('.')}.\${`))
  }
  expect([...english.keys()].filter((key) => !used(key))).toEqual([])
})

test('the language to begin with is the chosen one, else the one of the browser', () => {
  expect(startLanguage('en', 'pt-BR')).toBe('en')
  expect(startLanguage(null, 'pt-PT')).toBe('pt-BR')
  expect(startLanguage(null, 'de')).toBe('en')
  expect(startLanguage('xx', 'fr')).toBe('en')
})
