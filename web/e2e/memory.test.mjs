// Memory in a real browser: what was put in is found as one types, each hit says why it is one, weights are tried and
// compared, packs looked at, documents read, relabelled, deleted and taken back, files imported and exported.
//
// What is asked needs no meaning to be found, so that it does not matter which embedder there is. States that are hard
// to bring about are answered by the test itself.

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { assertSound, LOOKS } from './accessibility.mjs'
import { launchBrowser, openContext, Server, until } from './harness.mjs'

const RECIPES = 'e2e-recipes'
const ROWS = 'e2e-rows'
const LETTERS = 'e2e-letters'
const ROW_COUNT = 230

const server = new Server()
let browser
let context
let page
let problems

const api = async (method, path, data) => {
  const response = await context.request.fetch(`${server.origin}/api/v1${path}`, {
    method,
    data,
    headers: { origin: server.origin },
  })
  assert.ok(response.ok(), `${method} ${path}: ${response.status()} ${await response.text()}`)
  return response.status() === 204 ? null : response.json()
}

const recipe = (number) => ({
  collection: RECIPES,
  key: `recipe-${number}`,
  title: `Recipe ${number}`,
  text: `The sourdough of recipe ${number} rests in its basket.\n\n${`Sourdough number ${number} is made of flour, water and salt. `.repeat(20)}\n\nThen the sourdough is baked, number ${number}.`,
})
const LETTER = {
  collection: LETTERS,
  key: 'letter',
  title: 'A letter about the oven',
  author: 'Caroline',
  privacy: 'shareable',
  attributes: { project_id: 'prj_bakery' },
  text: 'Dear all,\n\nthe zirconium oven is repaired. The invoices come by mail.\n\nWho pays for the zirconium?',
}

// Another one each time, should the server be the same one.
const HARBOUR = `# Harbour\n\nThe quokka waits at the harbour since ${Date.now()}.\n`

/** Puts in what the tests ask for. What is there already stays. */
async function fill() {
  await api('POST', '/ingest', {
    documents: [LETTER, ...Array.from({ length: 14 }, (_, at) => recipe(at + 1))],
  })
  for (let at = 0; at < ROW_COUNT; at += 50) {
    const documents = Array.from({ length: Math.min(50, ROW_COUNT - at) }, (_, more) => ({
      collection: ROWS,
      key: `row-${at + more}`,
      title: `Row ${at + more}`,
      text: `This is row ${at + more}.`,
    }))
    await api('POST', '/ingest', { documents })
  }
  await until('what was put in to be found', async () => {
    const { items } = await api('POST', '/search', { query: 'zirconium sourdough', top_k: 20 })
    return items.some((hit) => hit.collection === LETTERS) && items.some((hit) => hit.collection === RECIPES)
  })
}

async function openPage(options = {}) {
  const opened = await openContext(browser, server, options)
  context = opened.context
  problems = opened.problems
  page = await context.newPage()
  page.setDefaultTimeout(15_000)
}

before(async () => {
  await server.start()
  browser = await launchBrowser()
  await openPage()
  await fill()
  await context.close()
})

after(async () => {
  await browser?.close()
  await server.remove()
})

beforeEach(() => openPage())

afterEach(async () => {
  // What is being answered meanwhile by a test itself is of no use to anybody any more.
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  await context.close()
  assert.deepEqual(problems, [])
})

const open = (path) => page.goto(`${server.origin}/memory${path}`)
const box = () => page.getByRole('searchbox')
const hits = () => page.getByTestId('hit')
const ranking = (name) => page.getByRole('region', { name: `Ranking ${name}`, exact: true })
const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement)
const documentId = async (collection, key) =>
  (await api('GET', `/memory/documents?collection=${collection}&limit=100`)).items.find(
    (one) => one.key === key,
  ).id

/** What the next search is asked with. */
const nextSearch = async (act) => {
  const request = page.waitForRequest(
    (one) => one.method() === 'POST' && new URL(one.url()).pathname === '/api/v1/search',
  )
  await act()
  return (await request).postDataJSON()
}

test('it is searched as one types, and gone through by keyboard', async () => {
  await open('')
  await page.getByRole('heading', { level: 1, name: 'Memory' }).waitFor()
  // Keys are heard once the page has been drawn.
  await until('a slash to go to the box', async () => {
    if (!(await isFocused(box()))) await page.keyboard.press('/')
    return isFocused(box())
  })
  await page.keyboard.type('zirconium oven')
  const first = hits().first()
  await first.getByRole('link', { name: LETTER.title }).waitFor()
  await first.locator('mark', { hasText: 'zirconium' }).first().waitFor()
  // Whoever types slowly has hits of the first word already.
  await until('the whole query', () => new URL(page.url()).searchParams.get('q') === 'zirconium oven')
  await page.locator('[data-testid=ranking][aria-busy=false]').waitFor()
  assert.match(await page.getByTestId('facts').textContent(), /judged in [\d.]+ ms/)

  await page.keyboard.press('ArrowDown')
  assert.ok(await isFocused(first.getByRole('link')), 'down goes to the first hit')
  await page.keyboard.press('ArrowRight')
  await first.getByTestId('hit-details').waitFor()
  await page.keyboard.press('ArrowLeft')
  await first.getByTestId('hit-details').waitFor({ state: 'detached' })
  await page.keyboard.press('ArrowUp')
  assert.ok(await isFocused(box()), 'up goes back to the box')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: LETTER.title }).waitFor()
  await page.locator('[data-testid=chunk-row][aria-current]').waitFor()
  await page.goBack()
  await first.waitFor()
  assert.equal(await box().inputValue(), 'zirconium oven')
})

test('the last answer stays while the next one is on its way', async () => {
  await open('?q=sourdough')
  await hits().first().waitFor()
  const found = await hits().count()
  let letGo
  const held = new Promise((resolve) => {
    letGo = resolve
  })
  await page.route('**/api/v1/search', async (route) => {
    await held
    await route.continue()
  })
  await box().fill('sourdough zirconium')
  await page.locator('[data-testid=ranking][aria-busy=true]').waitFor()
  assert.equal(await hits().count(), found)
  letGo()
  await page.locator('[data-testid=ranking][aria-busy=false]').waitFor()
})

test('filters are added, sent, kept in the address and taken away', async () => {
  await open('?q=zirconium%20sourdough')
  await hits().first().waitFor()
  await page.getByRole('button', { name: 'Filter', exact: true }).click()
  await page.getByRole('combobox', { name: 'Value of the filter' }).click()
  await page.getByRole('option', { name: LETTERS }).click()
  const asked = await nextSearch(() => page.getByRole('button', { name: 'Add', exact: true }).click())
  assert.deepEqual(asked.filters, { collection: [LETTERS] })
  const chip = page.getByRole('button', { name: `Take away the filter Collection: ${LETTERS}` })
  await chip.waitFor()
  await until('only letters', async () => (await hits().filter({ hasText: RECIPES }).count()) === 0)

  await page.getByRole('combobox', { name: 'What to filter by' }).click()
  await page.getByRole('option', { name: 'Project', exact: true }).click()
  await page.getByLabel('Value of the filter').fill('prj_bakery')
  const both = await nextSearch(() => page.keyboard.press('Enter'))
  assert.deepEqual(both.filters, { collection: [LETTERS], project_id: 'prj_bakery' })
  await page.reload()
  await chip.waitFor()
  await chip.click()
  await page.getByRole('button', { name: /^Take away the filter Project/ }).waitFor()
  assert.equal(await chip.count(), 0)
})

test('a hit says what its score is made of', async () => {
  await open('?q=zirconium%20invoices')
  const first = hits().first()
  await first.getByRole('button', { name: `Why ${LETTER.title} was found` }).click()
  const details = first.getByTestId('hit-details')
  const row = details.getByRole('row').filter({ hasText: 'Words of the question that it has' })
  await row.waitFor()
  const cells = (await details.getByRole('row').allTextContents()).slice(1)
  assert.ok(cells.length >= 3, 'several parts make a score')
  await details
    .getByText(/as it stands|alike/)
    .first()
    .waitFor()
  await details.getByText('By its words').waitFor()
  const said = await first.getByTestId('score-bar').getAttribute('aria-label')
  assert.match(said, /^Score -?[\d.]+: .*Words \+[\d.]+/)
  await details.getByText('The whole passage').click()
  await details.getByText('The invoices come by mail.').waitFor()
})

test('a weight is changed, alone sent, kept in the address and reset', async () => {
  await open('?q=zirconium%20oven')
  await hits().first().waitFor()
  await page.getByRole('button', { name: 'Weights', exact: true }).click()
  const slider = page.getByRole('slider', { name: 'Words', exact: true })
  const before = await slider.inputValue()
  const asked = await nextSearch(() => slider.fill('1.5'))
  assert.deepEqual(asked.weights, { words: 1.5 })
  await until('the address', () => new URL(page.url()).searchParams.get('a') === 'words:1.5')
  await page.reload()
  assert.equal(await slider.inputValue(), '1.5')
  await page.getByRole('button', { name: 'Reset Words', exact: true }).click()
  await until('the weight by default', async () => (await slider.inputValue()) === before)
  await until('an address without weights', () => !new URL(page.url()).searchParams.has('a'))
})

test('two settings are compared, and hits say how they moved', async () => {
  await open('?q=sourdough%20recipe&a=k:5')
  await hits().first().waitFor()
  await page.getByRole('button', { name: 'Compare', exact: true }).click()
  await ranking('B').getByTestId('hit').first().waitFor()
  await page.getByTestId('agreement').getByText('5 hits are in both, 5 in the same place.').waitFor()
  assert.equal(await page.getByTestId('movement').count(), 0)

  await page.getByRole('combobox', { name: 'How many hits' }).click()
  await page.getByRole('option', { name: '10 hits' }).click()
  await until('more hits in B', async () => (await ranking('B').getByTestId('hit').count()) === 10)
  assert.equal(await ranking('A').getByTestId('hit').count(), 5)
  assert.equal(await ranking('B').locator('[data-moved=alone]').count(), 5)

  // Turned upside down: what counted for a hit counts against it.
  await open('?q=sourdough%20recipe&b=similarity:-1,words:-1,window:-1,document:-1,neighbours:-1')
  await ranking('B').getByTestId('hit').first().waitFor()
  await until('hits that moved', async () => (await ranking('B').getByTestId('movement').count()) > 0)
  await page.getByRole('button', { name: 'Compare', exact: true }).click()
  await ranking('B').waitFor({ state: 'detached' })
})

test('a pack says what it would take and what it leaves out', async () => {
  await open('?q=sourdough%20recipe')
  await hits().first().waitFor()
  await page.getByRole('button', { name: 'In the pack', exact: true }).click()
  const pack = page.getByTestId('pack')
  await pack.getByRole('progressbar', { name: 'Room used' }).waitFor()
  await pack.getByRole('combobox', { name: 'Budget' }).click()
  await page.getByRole('option', { name: '1,000 tokens' }).click()
  const cut = pack.getByText(/left out$/)
  await cut.waitFor()
  await cut.click()
  await pack
    .getByText(/No room|Said already/)
    .first()
    .waitFor()
  await hits().getByText('In the pack', { exact: true }).first().waitFor()
  assert.match(new URL(page.url()).searchParams.get('pack'), /^"?1000"?$/)
})

test('collections are compared, and the indices made anew after a question', async () => {
  await open('/collections')
  const row = page.getByRole('listitem', { name: ROWS, exact: true })
  await row.getByText(`${ROW_COUNT} documents`).waitFor()
  await page.getByRole('button', { name: 'Characters', exact: true }).click()
  await row.getByText(/characters$/).waitFor()
  await page.getByTestId('index').getByRole('button', { name: 'Make anew' }).click()
  const question = page.getByRole('alertdialog')
  const asked = page.waitForResponse((one) => new URL(one.url()).pathname === '/api/v1/memory/reindex')
  await question.getByRole('button', { name: 'Make anew' }).click()
  assert.equal((await asked).status(), 202)
  await until(
    'an index that is ready',
    async () => (await page.getByTestId('index').getAttribute('data-state')) !== 'building',
    60_000,
  )
})

test('all documents of a collection are reached, a page at a time', async () => {
  await open(`/collections/${ROWS}`)
  const rows = page.getByRole('list', { name: 'Documents' }).getByRole('listitem')
  await rows.first().waitFor()
  const seen = new Set()
  await until('every row', async () => {
    for (const text of await rows.getByRole('link').allTextContents()) seen.add(text)
    assert.ok((await rows.count()) < 60, 'only what is in view is in the page')
    await page.mouse.wheel(0, 900)
    return seen.size === ROW_COUNT
  })
})

test('a document stands beside its passages, and its label is changed', async () => {
  await open(`/documents/${await documentId(LETTERS, 'letter')}`)
  const rows = page.getByTestId('chunk-row')
  await rows.filter({ hasText: 'the zirconium oven is repaired' }).waitFor()
  const first = rows.filter({ hasText: /Passage 1 of/ })
  await first.getByText('Caroline').waitFor()
  await page.getByRole('button', { name: 'Local only' }).click()
  await page.getByText('Never leaves this machine').waitFor()
  const id = new URL(page.url()).pathname.split('/').at(-1)
  await until('the label', async () => (await api('GET', `/memory/documents/${id}`)).privacy === 'local')
  await page.getByRole('button', { name: 'Shareable' }).click()
  await until('the label', async () => (await api('GET', `/memory/documents/${id}`)).privacy === 'shareable')
})

test('a passage deep in a long document is gone to', async () => {
  const text = Array.from(
    { length: 400 },
    (_, at) => `Paragraph ${at}. ${'It goes on. '.repeat(5 + (at % 40))}`,
  )
  const long = { collection: 'e2e-long', key: 'long', title: 'A long one', text: text.join('\n\n') }
  const [{ id, error }] = (await api('POST', '/ingest', { documents: [long] })).items
  assert.equal(error, undefined)
  const { items } = await api('GET', `/memory/documents/${id}/chunks`)
  const { number, ordinal } = items.at(-10)
  await open(`/documents/${id}?chunk=${number}`)
  const row = page.locator('[data-testid=chunk-row][aria-current]')
  await row.getByText(`Passage ${ordinal + 1} of ${items.length}`).waitFor()
  await until('it to be in view', () =>
    row.evaluate((element) => {
      const { top, bottom } = element.getBoundingClientRect()
      return top < innerHeight / 2 && bottom > 0
    }),
  )
  assert.ok(
    (await page.getByTestId('chunk-row').count()) < items.length / 2,
    'only what is near is in the page',
  )
})

test('a deleted document is gone at once, and comes back when that is undone', async () => {
  const { items } = await api('POST', '/ingest', {
    documents: [{ collection: 'e2e-bin', key: 'one', title: 'Scrap paper', text: 'To be thrown away.' }],
  })
  const remove = async () => {
    await page.getByRole('button', { name: 'Delete Scrap paper' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('Scrap paper was deleted.').waitFor()
  }
  const link = page.getByRole('link', { name: 'Scrap paper' })
  await open('/collections/e2e-bin')
  await remove()
  await link.waitFor({ state: 'detached' })
  const undo = page.getByRole('button', { name: 'Undo' })
  assert.ok(await isFocused(undo), 'the keyboard goes to the way back')
  await page.keyboard.press('Enter')
  await link.waitFor()

  await link.click()
  await page.getByRole('heading', { level: 1, name: 'Scrap paper' }).waitFor()
  await remove()
  await page.getByRole('heading', { level: 1, name: 'e2e-bin' }).waitFor()
  assert.equal((await api('GET', `/memory/documents/${items[0].id}`)).key, 'one', 'it is held back at first')
  await page.mouse.move(5, 5)
  await until('it to be deleted', async () => {
    const response = await context.request.get(`${server.origin}/api/v1/memory/documents/${items[0].id}`)
    return response.status() === 404
  })
  await undo.waitFor({ state: 'detached' })
})

test('files are imported, each with its own outcome, and found', async () => {
  await open('/import')
  await page.getByLabel('Into the collection').fill('E2E Import')
  assert.equal(await page.getByLabel('Into the collection').inputValue(), 'e2e-import')
  const sent = []
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/api/v1/ingest/file') sent.push(request)
  })
  const file = (name, mimeType, text) => ({ name, mimeType, buffer: Buffer.from(text) })
  await page
    .locator('input[type=file]')
    .setInputFiles([
      file('harbour.md', 'text/markdown', HARBOUR),
      file('prices.csv', 'text/csv', 'item,price\nbread,4\ncake,9\n'),
      file('list.txt', 'text/plain', 'One thing after the other.\n'),
      file('data.json', 'application/json', '{"oven":{"state":"hot"}}'),
      file('broken.pdf', 'application/pdf', '%PDF-1.7\n\0\0\0 this is none'),
    ])
  const upload = (name) => page.getByRole('listitem', { name, exact: true })
  await upload('harbour.md').locator('[data-outcome=new], [data-outcome=changed]').waitFor()
  await page.getByText('5 of 5 files done.').waitFor()
  assert.equal(sent.length, 5, 'a request for each file')
  const failure = upload('broken.pdf').locator('[data-outcome=failed]')
  await failure.waitFor()
  assert.ok((await failure.textContent()).length > 30, 'it says why and what to do')
  for (const name of ['prices.csv', 'list.txt', 'data.json']) {
    assert.equal(await upload(name).getAttribute('data-state'), 'done')
  }
  await page.getByRole('button', { name: 'Clear what is done' }).click()
  await page.locator('input[type=file]').setInputFiles([file('harbour.md', 'text/markdown', HARBOUR)])
  await upload('harbour.md').locator('[data-outcome=unchanged]').waitFor()
  await page.getByRole('link', { name: 'Search', exact: true }).click()
  await box().fill('quokka harbour')
  await hits().filter({ hasText: 'e2e-import' }).first().waitFor()
})

test('what was decided and what failed is listed, searched, and leads to its run', async () => {
  const asked = await answerLogs()
  await open('/log')
  const entries = page.getByTestId('log-entry')
  const late = entries.filter({ has: page.getByRole('heading', { name: 'Invoices go out on Mondays' }) })
  await late.getByText('In place of: Invoices go out on Fridays').waitFor()
  await late.getByText('Line 9 of why.').waitFor({ state: 'detached' })
  await late.getByRole('button', { name: 'Show all of it' }).click()
  await late.getByText('Line 9 of why.').waitFor()
  const early = entries.filter({ has: page.getByRole('heading', { name: 'Invoices go out on Fridays' }) })
  await early.getByText('Superseded', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Show more' }).click()
  await entries.filter({ hasText: 'The oven is bought' }).waitFor()
  assert.equal(asked.at(-1).searchParams.get('cursor'), 'next')

  await page.getByRole('button', { name: 'Errors', exact: true }).click()
  const error = entries.filter({ hasText: 'Invoices could not be sent' })
  await error.getByText('12 times').waitFor()
  assert.match(await error.getByRole('link').getAttribute('href'), /^\/runs\/run_0+\?step=send$/)
  await page.getByRole('searchbox', { name: 'Search the log' }).fill('oven')
  await page.getByText('Nothing was found').waitFor()
  assert.equal(asked.at(-1).searchParams.get('q'), 'oven')
  assert.equal(new URL(page.url()).searchParams.get('q'), 'oven')
  await page.getByRole('button', { name: 'Show all' }).click()
  await error.waitFor()
  assert.equal(await page.getByRole('searchbox').inputValue(), '')
})

test('memory is exported', async () => {
  await open('/import')
  await page.getByRole('combobox', { name: 'What to export' }).click()
  await page.getByRole('option', { name: LETTERS }).click()
  const link = page.getByRole('link', { name: 'As JSONL' })
  assert.match(await link.getAttribute('href'), new RegExp(`format=jsonl&collection=${LETTERS}$`))
  const download = page.waitForEvent('download')
  await link.click()
  await (await download).path()
})

test('what cannot be answered says so, and is tried again', async () => {
  await failSearch()
  await open('?q=zirconium')
  await page.getByText('The index is being repaired.').waitFor()
  await page.unroute('**/api/v1/search')
  await page.getByRole('button', { name: 'Try again' }).click()
  await hits().first().waitFor()
})

// --- how it looks ----------------------------------------------------------------------------------------------

const problemBody = {
  title: 'Unavailable',
  status: 409,
  code: 'index_repaired',
  detail: 'The index is being repaired.',
  hint: 'Try again in a minute.',
  request_id: 'req_1',
}

async function failSearch() {
  await page.route('**/api/v1/search', (route) =>
    route.fulfill({
      status: 409,
      contentType: 'application/problem+json',
      body: JSON.stringify(problemBody),
    }),
  )
}

/** Answers as the server does, but for what is changed. */
async function changed(path, change) {
  await page.route(`**/api/v1/${path}`, async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: change(await response.json()) })
  })
}

const logEntry = (id, title, more) => ({
  id: `log_${id}`,
  kind: 'decision',
  agent: 'planner',
  run_id: null,
  step: null,
  title,
  detail: '',
  outcome: null,
  supersedes: null,
  superseded_by: null,
  privacy: 'shareable',
  actor: 'owner',
  created_at: '2026-11-21T09:30:00.000Z',
  last_at: '2026-11-21T09:30:00.000Z',
  count: 1,
  ...more,
})
const DECISIONS = [
  logEntry('b', 'Invoices go out on Mondays', {
    supersedes: 'log_a',
    detail: Array.from({ length: 9 }, (_, at) => `Line ${at + 1} of why.`).join('\n'),
    outcome: 'Nobody waits for them any more.',
  }),
  logEntry('a', 'Invoices go out on Fridays', { superseded_by: 'log_b', privacy: 'local' }),
]
const ERRORS = [
  logEntry('c', 'Invoices could not be sent', {
    kind: 'error',
    detail: 'The mail server refused them.',
    run_id: 'run_00000000000000000000',
    step: 'send',
    count: 12,
    last_at: '2026-11-22T09:30:00.000Z',
  }),
]

/** Answers for the server what is in the logs: it logs by itself only what goes wrong. Gives the requests. */
async function answerLogs({ decisions = DECISIONS, errors = ERRORS } = {}) {
  const asked = []
  await page.route(/\/api\/v1\/memory\/(decisions|errors)/, (route) => {
    const url = new URL(route.request().url())
    asked.push(url)
    if (url.searchParams.get('q')) return route.fulfill({ json: { items: [], next_cursor: null } })
    if (url.pathname.endsWith('errors')) return route.fulfill({ json: { items: errors, next_cursor: null } })
    const isSecond = url.searchParams.get('cursor') === 'next'
    const items = isSecond ? [logEntry('d', 'The oven is bought')] : decisions
    const next_cursor = isSecond || items.length === 0 ? null : 'next'
    return route.fulfill({ json: { items, next_cursor } })
  })
  return asked
}

const withoutMeaning = () =>
  changed('search', (answer) => ({ ...answer, has_meaning: false, names: ['caroline', 'ben'] }))
const whileBuilding = () =>
  changed('memory/index', (index) => ({ ...index, state: 'building', done: 1_200, total: 50_000 }))

const shown = () => hits().first().waitFor()

async function explain() {
  await hits()
    .first()
    .getByRole('button', { name: /^(Why|Por que)/ })
    .click()
  await page.getByTestId('hit-details').locator('tbody tr').first().waitFor()
}

async function openFilter() {
  await page.getByRole('button', { name: /^(Filter|Filtrar)$/ }).click()
  await shown()
}

async function importSomething() {
  const buffer = Buffer.from('# A\n\nText.\n')
  await page.locator('input[type=file]').setInputFiles([
    { name: 'a.md', mimeType: 'text/markdown', buffer },
    { name: 'b.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7\n\0 none') },
  ])
  await page.locator('[data-outcome=failed]').waitFor()
  await page.locator('[data-testid=upload]:first-child [data-outcome]').waitFor()
}

async function throwIn() {
  const scrap = { collection: 'e2e-bin', key: 'two', title: 'More paper', text: 'To be thrown away as well.' }
  await api('POST', '/ingest', { documents: [scrap] })
}

async function deleteSomething() {
  await page
    .getByRole('button', { name: /^(Delete|Excluir)/ })
    .first()
    .click()
  await page
    .getByRole('alertdialog')
    .getByRole('button', { name: /^(Delete|Excluir)$/ })
    .click()
  const undo = page.getByRole('button', { name: /^(Undo|Desfazer)$/ })
  await undo.waitFor()
  await undo.hover()
}

const ROOMS = [
  { name: 'before a question', path: '' },
  { name: 'hits', path: '?q=zirconium%20oven', act: shown },
  { name: 'hits, found by words alone', path: '?q=zirconium', prepare: withoutMeaning, act: shown },
  { name: 'a hit explained', path: '?q=zirconium%20oven', act: explain },
  { name: 'a filter to add', path: '?q=zirconium&f=author:Caroline,since:2020-01-01', act: openFilter },
  { name: 'weights', path: '?q=sourdough&a=words:0.9', act: shown },
  { name: 'two rankings', path: '?q=sourdough&a=k:5&b=k:20,similarity:-1,words:-1', act: shown },
  {
    name: 'a pack',
    path: '?q=sourdough&pack=1000',
    act: () => page.locator('[data-testid=pack] li').first().waitFor(),
  },
  { name: 'nothing found', path: '?q=xyzzyplugh&f=author:Nobody' },
  { name: 'no answer', path: '?q=zirconium', prepare: failSearch },
  { name: 'collections', path: '/collections', act: () => page.getByText(RECIPES).waitFor() },
  { name: 'an index on its way', path: '/collections', prepare: whileBuilding },
  { name: 'documents', path: `/collections/${ROWS}`, act: () => page.getByText('Row 229').waitFor() },
  { name: 'a deleted document', path: '/collections/e2e-bin', prepare: throwIn, act: deleteSomething },
  { name: 'a document', path: async () => `/documents/${await documentId(LETTERS, 'letter')}` },
  { name: 'no such document', path: '/documents/doc_00000000000000000000' },
  {
    name: 'decisions',
    path: '/log',
    prepare: answerLogs,
    act: () => page.getByTestId('log-entry').first().waitFor(),
  },
  {
    name: 'errors',
    path: '/log?kind=errors',
    prepare: answerLogs,
    act: () => page.getByTestId('log-entry').first().waitFor(),
  },
  { name: 'no decision yet', path: '/log', prepare: () => answerLogs({ decisions: [] }) },
  { name: 'an import', path: '/import?to=e2e-looks', act: importSomething },
]

describe('no page has an accessibility violation', () => {
  for (const language of ['en', 'pt-BR']) {
    for (const room of ROOMS) {
      test(`${room.name}, ${language}`, async () => {
        await context.close()
        await openPage({ locale: language === 'en' ? 'en-US' : language, reducedMotion: 'reduce' })
        await room.prepare?.()
        await open(typeof room.path === 'string' ? room.path : await room.path())
        await page.locator('h1').first().waitFor()
        await room.act?.()
        for (const look of LOOKS[language]) await assertSound(page, look, language)
      })
    }
  }
})
