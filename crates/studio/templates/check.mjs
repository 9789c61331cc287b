// Holds every template to what it promises: `node check.mjs [--fast] [--pictures <folder>] [template …]`.
//
// Each one is copied to a temporary folder, installed and checked; then with every recipe alone, with
// every palette and text, with all of them together; it is served, directly and as a preview, and its
// pages are looked at.
// `--fast` leaves out the builds of single recipes. Where Chromium and playwright-core are found, the
// pages are opened in it, and nothing may be in its console; `--pictures` keeps what they look like.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { lookAt, openBrowser, tryOut } from './check/browser.mjs'
import { checkPreview } from './check/preview.mjs'
import { createProject, removeProject, restoreSnapshot, run, sameFiles, serve, takeSnapshot } from './check/project.mjs'
import { applyPalette, applyRecipe, changeText, fill, namesOf, readTranslation } from './check/recipes.mjs'
import { checkShared, checkTemplate, listTemplates, readTemplate } from './check/template.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { fast: { type: 'boolean', default: false }, pictures: { type: 'string' } },
})

/** Titles that a careless template would break on. */
const TITLES = ['Our team', `Preços & "café" <b> {x} it's`, '2026']
const TEXT = `Said <plainly> & "in quotes" {x} it's`

const names = positionals.length > 0 ? positionals : listTemplates()
const browser = await openBrowser()
let failed = 0

checkShared()
for (const name of names) {
  try {
    await checkOne(readTemplate(name))
  } catch (error) {
    failed += 1
    console.error(`${name}: ${error.message}`)
  }
}
await browser?.close()
console.log(`${names.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

async function checkOne(template) {
  checkTemplate(template)
  if (!template.install) return say(template, 'described')
  const folder = createProject(template)
  try {
    let spent = 0
    for (const command of template.install.commands) spent += run(command, folder, 'install')
    say(template, `installed in ${seconds(spent)}`)
    check(template, folder, 'as it comes')
    const snapshot = takeSnapshot(template, folder)
    await look(template, folder, 'first', ['/', '/about'], [])

    for (const recipe of template.recipe) {
      apply(template, recipe, folder)
      const once = takeSnapshot(template, folder)
      apply(template, recipe, folder)
      sameFiles(once, takeSnapshot(template, folder))
      check(template, folder, recipe.id, values.fast ? 1 : undefined)
      restoreSnapshot(template, folder, snapshot)
    }

    if (browser) {
      await checkPreview(template, folder, browser)
      say(template, 'preview: shown and changed, on an origin of its own and below a path')
      restoreSnapshot(template, folder, snapshot)
    }
    await checkTogether(template, folder)
    restoreSnapshot(template, folder, snapshot)
    await checkInPortuguese(template, folder)
  } finally {
    removeProject(folder)
  }
}

/** All recipes, on the first page and on a new one, every text and the last palette. */
async function checkTogether(template, folder) {
  for (const recipe of template.recipe) apply(template, recipe, folder)
  const page = fill(template.pages.file, { title: TITLES[0] })
  const sections = template.recipe.filter((recipe) => recipe.kind === 'section')
  for (const recipe of sections) applyRecipe(template, recipe, folder, { page })
  for (const entry of template.texts.entry) changeText(template, folder, entry.pointer, TEXT)
  for (const palette of template.theme.palette) {
    applyPalette(template, folder, palette)
    const css = readFileSync(path.join(folder, template.theme.file), 'utf8')
    for (const colour of Object.values({ ...palette.light, ...palette.dark })) assert.ok(css.includes(`: ${colour};`))
  }
  check(template, folder, 'all together')
  const pages = ['/', ...TITLES.map((title) => `/${namesOf(title).slug}`)]
  const expected = sections.map((recipe) => recipe.expects)
  await look(template, folder, 'together', pages, [...expected, TEXT])
  if (browser) await serve(template, folder, (address) => tryOut(browser, `${address}/`))
}

async function checkInPortuguese(template, folder) {
  const language = template.texts.languages['pt-BR']
  const file = { path: template.texts.file, source: language, replace: true }
  applyRecipe(template, { file: [file] }, folder, {})
  applyPalette(template, folder, template.theme.palette[2])
  for (const recipe of template.recipe) applyRecipe(template, recipe, folder, { title: 'Nossa equipe', language: 'pt-BR' })
  check(template, folder, 'in Portuguese', 1)
  const texts = readTranslation(template, 'pt-BR')
  const sections = template.recipe.filter((recipe) => recipe.kind === 'section')
  await look(template, folder, 'portuguese', ['/', '/nossa-equipe'], sections.map((recipe) => texts[recipe.expects]))
}

function apply(template, recipe, folder) {
  const titles = recipe.kind === 'page' ? TITLES : ['']
  for (const title of titles) applyRecipe(template, recipe, folder, { title })
}

function check(template, folder, label, count) {
  const times = template.check.slice(0, count).map(({ name, command }) => `${name} ${seconds(run(command, folder, label))}`)
  say(template, `${label}: ${times.join(', ')}`)
}

/** Serves the project and looks for texts on the first of the pages, with a browser if there is one. */
async function look(template, folder, label, pages, expected) {
  await serve(template, folder, async (address, elapsed) => {
    say(template, `${label}: served after ${seconds(elapsed)}`)
    for (const page of pages) assert.equal((await fetch(address + page)).status, 200, page)
    if (!browser) return
    const prefix = values.pictures && path.join(values.pictures, `${template.name}-${label}`)
    for (const [index, page] of pages.entries()) {
      const keep = prefix && index < 2 ? `${prefix}-${index}` : undefined
      const text = await lookAt(browser, address + page, keep)
      const missing = index === 0 ? expected.filter((wanted) => !text.includes(wanted)) : []
      assert.deepEqual(missing, [], `${label}: not on ${page}`)
    }
  })
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`
}

function say(template, text) {
  console.log(`${template.name}: ${text}`)
}
