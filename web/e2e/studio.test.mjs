// The Studio in a real browser, over a stand-in for the server that does what a test tells it to: a session is made,
// talked to, stopped, asked, taken up again after a lost server, its files changed, compared and put back.

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { assertSound, LOOKS } from './accessibility.mjs'
import { FakeStudio, SESSION } from './fake-studio.mjs'
import { launchBrowser, until } from './harness.mjs'

const NOISE = /Failed to load resource|net::ERR_|WebSocket connection|The oven is cold/

let browser
let fake
let context
let page
let problems

before(async () => {
  browser = await launchBrowser()
})

after(() => browser?.close())

beforeEach(async () => {
  fake = new FakeStudio()
  await fake.start()
  problems = []
  await openPage()
})

afterEach(async () => {
  await context.close()
  await fake.stop()
  assert.deepEqual(problems, [])
})

async function openPage(options = {}) {
  context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 900 }, ...options })
  page = await context.newPage()
  page.setDefaultTimeout(15_000)
  page.on('pageerror', (error) => !NOISE.test(error.message) && problems.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !NOISE.test(message.text())) problems.push(message.text())
  })
}

async function openSession(search = '') {
  await page.goto(`${fake.origin}/studio/${SESSION}${search}`)
  await page.getByRole('heading', { level: 1, name: 'Bakery' }).waitFor()
}

const composer = () => page.getByLabel('Message', { exact: true })
const lastTurn = () => page.getByTestId('turn').last()
const calls = (path) => fake.asked.filter((one) => one.path.endsWith(path))

async function say(text, status = 'finished') {
  await composer().fill(text)
  await composer().press('Enter')
  await page.locator(`[data-testid=turn][data-status=${status}]`).last().waitFor()
  await until(
    `a turn that is ${status}`,
    async () => (await lastTurn().getAttribute('data-status')) === status,
  )
}

async function openFile(name) {
  await page.getByRole('tab', { name: 'Files' }).click()
  await page.getByRole('treeitem', { name }).click()
  await page.locator('.cm-content').waitFor()
}

const editor = () => page.locator('.cm-content')
const screen = () => page.getByTestId('terminal').locator('.xterm-rows')
const shellInput = () => page.getByRole('textbox', { name: 'Terminal' })
const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement)

test('a template is picked, the app is seen, a chat changes it, and it is undone', async () => {
  await page.goto(`${fake.origin}/studio`)
  await page.getByRole('radio', { name: 'Next.js' }).check({ force: true })
  await page.getByRole('radio', { name: 'Vite + React' }).check({ force: true })
  await page.getByLabel('Name', { exact: true }).fill('Corner shop')
  await page.getByRole('button', { name: 'Open in Studio' }).click()
  await page.getByRole('heading', { level: 1, name: 'Corner shop' }).waitFor()
  await page.frameLocator('iframe').getByRole('heading', { name: 'Bakery' }).waitFor()

  await say('Make the title warm')
  const turn = lastTurn()
  await turn.getByText('I make the title larger and warmer.').waitFor()
  const written = await turn.locator('details[data-tool=fs_write] summary').textContent()
  assert.match(written, /^Wrote src\/components\/Hero\.tsx/)
  await turn.getByText('Page in a browser').waitFor()
  await turn.getByText('$0.0123').waitFor()
  const build = turn.locator('details[data-tool=exec]')
  assert.equal(await build.getAttribute('open'), null, 'what was done is folded at first')
  await build.locator('summary').click()
  await build.getByText('exit 0').waitFor()

  await turn.getByRole('button', { name: 'See changes' }).click()
  const diff = page.getByTestId('file-diff')
  await diff.getByText('return <h1 className="warm">{title}</h1>').waitFor()
  await turn.getByRole('button', { name: 'Undo these changes' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Undo these changes' }).click()
  await turn.getByText('Undone').waitFor()
  await page.getByText('Nothing differs').waitFor()
  await turn.getByRole('button', { name: 'Bring them back' }).click()
  await diff.waitFor()
})

test('a turn is stopped by Escape, and what was said stays', async () => {
  await openSession()
  await composer().fill('Do it slowly')
  await composer().press('Enter')
  await lastTurn().getByText('warmer.').waitFor()
  await page.getByTestId('working').getByText('Thinking…').waitFor()
  await composer().press('Escape')
  await lastTurn().getByText('Stopped', { exact: true }).waitFor()
  await lastTurn().getByText('warmer.').waitFor()
  assert.equal(calls('/cancel').length, 1)
})

test('a failure is told with what to do, and tried again', async () => {
  await openSession()
  await say('Please fail', 'failed')
  await lastTurn().getByText('The model does not answer.').waitFor()
  await lastTurn().getByText('Try again in a minute.').waitFor()
  await lastTurn().getByRole('button', { name: 'Try again' }).click()
  await until('a second message', () => calls('/messages').length === 2)
  const [first, second] = calls('/messages')
  assert.equal(second.body.text, first.body.text)
  assert.match(second.body.replaces, /^run_/)
  await until('one turn', async () => (await page.getByTestId('turn').count()) === 1)
})

test('what an earlier attempt had said is gone', async () => {
  await openSession()
  await say('You may try twice')
  assert.equal(await page.getByText('This is void.').count(), 0)
})

test('an earlier message is written anew; it takes the place of all that came after', async () => {
  await openSession()
  await say('Make the title warm')
  await say('And once more')
  const first = page.getByTestId('turn').first()
  await first.getByRole('button', { name: 'Edit and resend' }).focus()
  await page.keyboard.press('Enter')
  await page.getByText('the files go back to what they were before it').waitFor()
  assert.equal(await composer().inputValue(), 'Make the title warm')
  await say('Make the title cool')
  await until('one turn', async () => (await page.getByTestId('turn').count()) === 1)
  await page.getByText('Make the title cool').waitFor()
})

test('a question shows exactly what will be done, and is answered', async () => {
  await openSession()
  await say('Please ask first', 'waiting')
  const gate = page.getByTestId('gate')
  await gate.getByRole('heading', { name: 'Write src/components/Hero.tsx?' }).waitFor()
  await gate.getByText('return <h1 className="warm">{title}</h1>').waitFor()
  await gate.getByLabel('A note for the assistant').fill('Not today')
  await gate.getByRole('button', { name: 'Skip' }).click()
  await until('the end', async () => (await lastTurn().getAttribute('data-status')) === 'finished')
  assert.deepEqual(calls('/approve')[0].body, { gate: 'gate-1', decision: 'skip', feedback: 'Not today' })

  await say('Please ask again', 'waiting')
  await gate.getByText('Always allow changing files in this session').click()
  await gate.getByRole('button', { name: 'Approve' }).click()
  await until('the end', async () => (await lastTurn().getAttribute('data-status')) === 'finished')
  assert.equal(fake.session.view.permissions.write, 'allow')
  assert.ok(fake.asked.some((one) => one.method === 'PATCH' && one.body.permissions?.write === 'allow'))
})

test('a turn is taken up again after a reload, and after the server was away', async () => {
  await openSession()
  await say('Please ask first', 'waiting')
  await page.reload()
  await page.getByTestId('gate').waitFor()
  assert.equal(
    await page.getByText('I make the title larger and warmer.').count(),
    1,
    'nothing is said twice',
  )

  await fake.stop()
  await page.getByText('The server is away').waitFor()
  await fake.start()
  await page.getByText('The server is away').waitFor({ state: 'detached' })
  await page.getByTestId('gate').getByRole('button', { name: 'Approve' }).click()
  await lastTurn().getByText('Done. The title is').waitFor()
  await until('the end', async () => (await lastTurn().getAttribute('data-status')) === 'finished')
  assert.equal(await page.getByText('I make the title larger and warmer.').count(), 1)
  await page.reload()
  await lastTurn().getByText('Page in a browser').waitFor()
})

test('a draft stays over a reload; files go along, and those that cannot are named', async () => {
  await openSession()
  await composer().fill('A long thought')
  await page.reload()
  await until('the draft', async () => (await composer().inputValue()) === 'A long thought')
  const input = page.getByTestId('attach-input')
  await input.setInputFiles({
    name: 'photo.png',
    mimeType: 'image/png',
    buffer: Buffer.from([0x89, 0xff, 0]),
  })
  await page.getByText('“photo.png” is no text').waitFor()
  await input.setInputFiles({ name: 'notes.md', mimeType: 'text/markdown', buffer: Buffer.from('# Bread') })
  await page.getByRole('button', { name: 'Remove notes.md' }).waitFor()
  await composer().press('Shift+Enter')
  assert.equal(calls('/messages').length, 0, 'Shift and Enter make a new line')
  await composer().press('Control+Enter')
  await until('the message', () => calls('/messages').length === 1)
  assert.deepEqual(calls('/messages')[0].body.attachments, [{ name: 'notes.md', content: '# Bread' }])
  await lastTurn().getByText('notes.md').waitFor()
  await until('the end', async () => (await lastTurn().getAttribute('data-status')) === 'finished')
  await page.reload()
  await lastTurn().waitFor()
  assert.equal(await composer().inputValue(), '', 'what was sent is no draft any more')
})

test('a message that is not taken comes back into the box', async () => {
  await openSession()
  await fake.session.turns.push({
    turnId: 'run_other',
    text: 'x',
    status: 'running',
    events: [],
    attachments: [],
    changed: [],
    startedAt: fake.now(),
  })
  await composer().fill('Mine')
  await composer().press('Enter')
  await page.getByText('A message is being worked on.').waitFor()
  await until('the text in the box', async () => (await composer().inputValue()) === 'Mine')
})

test('without a model it is said what works without one', async () => {
  fake.providers = []
  await openSession()
  await page.getByText('No model is set up.').waitFor()
  await page.getByRole('link', { name: 'Set one up' }).waitFor()
})

test('errors of the page are counted, and handed to the assistant', async () => {
  await openSession()
  const frame = page.frameLocator('iframe')
  await frame.getByRole('button', { name: 'Break' }).click()
  await frame.getByRole('button', { name: 'Break' }).click()
  const bar = page.getByTestId('preview-problems')
  await bar.getByRole('button', { name: /1 error/ }).click()
  await bar.getByText('2 times').waitFor({ state: 'attached' })
  await bar.getByRole('button', { name: 'Ask the assistant to fix' }).click()
  assert.match(await composer().inputValue(), /The oven is cold/)
  await page.getByRole('button', { name: 'Reload', exact: true }).click()
  await bar.waitFor({ state: 'detached' })
})

test('the preview goes to an address, has the width of a phone, and starts what is stopped', async () => {
  await openSession()
  await page.getByLabel('Address in the app').fill('menu')
  // What is being typed stays, wherever the page goes meanwhile.
  await page
    .frameLocator('iframe')
    .locator('html')
    .evaluate(() => {
      parent.postMessage({ source: 'atelier-preview', kind: 'page', url: '/late', title: 'Late' }, '*')
    })
  await page.waitForTimeout(100)
  assert.equal(await page.getByLabel('Address in the app').inputValue(), 'menu')
  await page.getByLabel('Address in the app').press('Enter')
  await page.frameLocator('iframe').getByText('You are at /menu').waitFor()
  await page.getByRole('button', { name: 'Phone, 390 px' }).click()
  await until(
    '390 px',
    async () =>
      (await page
        .frameLocator('iframe')
        .locator('html')
        .evaluate(() => innerWidth)) <= 390,
  )

  fake.session.status = 'failed'
  fake.session.problem = {
    code: 'dev_server_ended',
    message: 'The dev server ended with 1.',
    hint: 'Look at the logs.',
  }
  await page.getByText('The dev server ended with 1.').waitFor()
  await page.getByRole('button', { name: 'Start again' }).click()
  await page.locator('iframe').waitFor()
})

test('a file is found in the tree by keyboard, changed and saved', async () => {
  await openSession('?panel=files')
  const tree = page.getByRole('tree')
  await tree.focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowRight')
  await page.getByRole('treeitem', { name: 'Hero.tsx' }).waitFor()
  for (const key of ['ArrowRight', 'Enter']) await page.keyboard.press(key)
  await editor().getByText('export').waitFor()
  await editor().click()
  await page.keyboard.press('Control+Home')
  await page.keyboard.type('// mine\n')
  await page.getByRole('status').getByText('Not saved').waitFor()
  await page.getByRole('tab', { name: 'Logs' }).click()
  await page.getByRole('tab', { name: 'Files' }).click()
  await editor().click()
  await page.keyboard.press('Control+s')
  await page.getByRole('status').getByText('Saved', { exact: true }).waitFor()
  assert.match(fake.session.files['src/components/Hero.tsx'], /^\/\/ mine\nexport/)
})

test('a file that was changed elsewhere is never overwritten unasked', async () => {
  await openSession()
  await openFile('App.tsx')
  await editor().click()
  await page.keyboard.type('// mine ')
  await page.getByRole('status').getByText('Not saved').waitFor()
  fake.session.files['src/App.tsx'] = '// theirs\n'
  await page.keyboard.press('Control+s')
  const conflict = page.getByTestId('conflict')
  await conflict.waitFor()
  assert.equal(fake.session.files['src/App.tsx'], '// theirs\n')
  page.on('dialog', (dialog) => void dialog.accept())
  await page.reload()
  await conflict.waitFor()
  await conflict.getByRole('button', { name: 'Show difference' }).click()
  await page.getByRole('dialog').getByText('// theirs').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Overwrite' }).click()
  await conflict.waitFor({ state: 'detached' })
  assert.match(fake.session.files['src/App.tsx'], /\/\/ mine/)
})

test('files are made, renamed, found by what is in them, and deleted with a way back', async () => {
  await openSession('?panel=files')
  await page.getByRole('treeitem', { name: 'README.md' }).waitFor()
  await page.getByRole('button', { name: 'New file' }).click()
  await page.getByRole('dialog').getByLabel('Path').fill('src/menu.ts')
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
  await page.getByRole('treeitem', { name: 'menu.ts' }).waitFor()
  await page.getByRole('tree').focus()
  await page.keyboard.press('F2')
  await page.getByRole('dialog').getByLabel('Path').fill('src/dishes.ts')
  await page.keyboard.press('Enter')
  await page.getByRole('treeitem', { name: 'dishes.ts' }).waitFor()
  await page.getByRole('tree').focus()
  await page.keyboard.press('Delete')
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('treeitem', { name: 'dishes.ts' }).waitFor({ state: 'detached' })
  assert.match(fake.session.checkpoints[0].label, /dishes\.ts/)

  await page.getByLabel('Search in files').fill('small bakery')
  await page.getByRole('button', { name: /A page for a small bakery/ }).click()
  await editor().getByText('A page for a small bakery').waitFor()
  await page.getByLabel('Search in files').fill('')
  await page.getByRole('treeitem', { name: 'logo.bin' }).click()
  await page.getByText('This is no text').waitFor()
})

test('a checkpoint is made, compared side by side, and restored', async () => {
  await openSession('?panel=changes')
  await page.getByText('Nothing differs').waitFor()
  await page.getByLabel('Name of a new checkpoint').fill('Before lunch')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: /Before lunch/ }).click()
  await say('Make the title warm')
  const diff = page.getByTestId('file-diff')
  await diff.getByText('className="warm"').waitFor()
  await page.getByRole('button', { name: 'Side by side' }).click()
  await diff.getByText('className="warm"').waitFor()
  await page.getByRole('button', { name: 'Restore', exact: true }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Restore' }).click()
  await page.getByText('Nothing differs').waitFor()
})

test('logs come as they are said, are filtered, and come back after a break', async () => {
  await openSession('?panel=logs')
  const log = page.getByRole('log')
  await log.getByText('VITE ready in 312 ms').waitFor()
  fake.log(fake.session, 'dev', 'stdout', 'page reload src/App.tsx')
  await log.getByText('page reload').waitFor()
  await page.getByRole('button', { name: 'Errors' }).click()
  await log.getByText('nothing to worry about').waitFor()
  assert.equal(await log.getByText('page reload').count(), 0)
  await page.getByRole('button', { name: 'All', exact: true }).click()
  await fake.stop()
  await fake.start()
  await page.getByTestId('logs-state').getByText('Live').waitFor()
  fake.log(fake.session, 'dev', 'stdout', 'back again')
  await log.getByText('back again').waitFor()
  assert.equal(await log.getByText('VITE ready').count(), 1, 'nothing comes twice')
  await page.getByLabel('Search the logs').fill('reload')
  await until(
    'one line',
    async () => (await page.getByTestId('logs-state').getByText('1 line').count()) === 1,
  )
})

test('panels are resized and reached by keyboard, and their size stays', async () => {
  await openSession()
  const line = page.getByRole('separator', { name: 'Width of the chat' })
  await line.focus()
  for (let step = 0; step < 3; step += 1) await page.keyboard.press('ArrowRight')
  assert.equal(await line.getAttribute('aria-valuenow'), '40')
  await page.reload()
  await until('the size', async () => (await line.getAttribute('aria-valuenow')) === '40')
  await page.keyboard.press('Control+Shift+Digit5')
  await page.getByRole('log').waitFor()
  await page.keyboard.press('Control+Shift+Digit6')
  await screen().waitFor()
  await page.keyboard.press('Control+Shift+Digit1')
  await until('the message box', () => composer().evaluate((box) => box === document.activeElement))
  await page.keyboard.press('Control+/')
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
})

test('sessions are renamed and deleted, and their settings are kept', async () => {
  await page.goto(`${fake.origin}/studio`)
  await page.getByRole('button', { name: 'Rename Bakery' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('Old bakery')
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'Old bakery' }).click()
  await page.getByRole('button', { name: 'Session settings' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('group', { name: 'Run commands' }).getByRole('button', { name: 'Ask me' }).click()
  await dialog.getByLabel('Hosts its programs may reach').fill('api.example.com\n*.example.org')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.waitFor({ state: 'detached' })
  assert.equal(fake.session.view.permissions.execute, 'ask')
  assert.deepEqual(fake.session.view.allowedHosts, ['api.example.com', '*.example.org'])
  await page.getByRole('link', { name: 'All sessions' }).click()
  await page.getByRole('button', { name: 'Delete Old bakery' }).click()
  await page.getByRole('alertdialog').getByText('seven days').waitFor()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('No session yet').waitFor()
  await page.getByText('“Old bakery” is deleted.').waitFor()
})

test('a deletion is undone at once, or found among the deleted and taken back', async () => {
  fake.add('ses_00000000000000000009', 'Corner shop', 'express')
  await page.goto(`${fake.origin}/studio`)
  const undo = page.getByRole('button', { name: 'Undo', exact: true })
  const row = page.getByRole('link', { name: 'Bakery' })
  const discard = async () => {
    await page.getByRole('button', { name: 'Delete Bakery' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await row.waitFor({ state: 'detached' })
  }
  await discard()
  await until('the way back under the keyboard', () => isFocused(undo))
  await page.keyboard.press('Enter')
  await row.waitFor()
  await until('what came back under the keyboard', () => isFocused(row))
  assert.equal(await undo.count(), 0)

  const trash = page.getByRole('button', { name: 'Deleted sessions' })
  assert.equal(await trash.getAttribute('aria-expanded'), 'false')
  await trash.click()
  await page.getByText('None was deleted in the last seven days.').waitFor()
  await discard()
  const deleted = page.getByRole('list', { name: 'Deleted sessions' })
  await deleted.getByText('Deleted yesterday · 6 days left').waitFor()
  await deleted.getByRole('button', { name: 'Restore Bakery' }).click()
  await row.waitFor()
  await until('no way to take back what is back', async () => (await undo.count()) === 0)
  await page.getByText('None was deleted in the last seven days.').waitFor()

  await discard()
  fake.trash.clear()
  await undo.click()
  await page.getByRole('alert').getByText('There is no such session.').waitFor()
})

test('questions and checks of earlier turns are there after a reload', async () => {
  await openSession()
  await say('Please ask first', 'waiting')
  await page.getByTestId('gate').getByLabel('A note for the assistant').fill('Go on')
  await page.getByTestId('gate').getByRole('button', { name: 'Approve' }).click()
  await until('the end', async () => (await lastTurn().getAttribute('data-status')) === 'finished')
  await say('And once more')
  await page.reload()
  const first = page.getByTestId('turn').first()
  await first.getByText('Page in a browser').waitFor()
  await first.locator('details[data-tool=fs_write] summary').click()
  await first.getByText('You approved this: Go on').waitFor()
  assert.equal(await page.getByTestId('gate').count(), 0)
})

test('text is found and replaced in the open file', async () => {
  await openSession()
  await openFile('App.tsx')
  await editor().click()
  await page.keyboard.press('Control+f')
  const find = page.getByRole('textbox', { name: 'Find' })
  await until('the field', () => find.evaluate((field) => field.getRootNode().activeElement === field))
  await page.keyboard.type('hero')
  await page.keyboard.press('Enter')
  await until('all matches', async () => (await page.locator('.cm-searchMatch').count()) === 3)
  await page.getByRole('checkbox', { name: 'Match case' }).check()
  await until('no match', async () => (await page.locator('.cm-searchMatch').count()) === 0)
  await page.getByRole('checkbox', { name: 'Match case' }).uncheck()
  await page.getByRole('textbox', { name: 'Replace' }).fill('Banner')
  await page.getByRole('button', { name: 'Replace all' }).click()
  await editor().getByText('Banner').first().waitFor()
  await page.keyboard.press('Escape')
  await find.waitFor({ state: 'detached' })
  await page.keyboard.press('Control+s')
  await page.getByRole('status').getByText('Saved', { exact: true }).waitFor()
  assert.equal(fake.session.files['src/App.tsx'].match(/Banner/g).length, 3)
})

function connect(host, more) {
  fake.log(fake.session, 'atelier', 'stderr', `something about ${host}`, {
    host,
    port: 443,
    verdict: 'refused',
    reason: 'No rule of this session allows it.',
    canAllow: true,
    sentBytes: 0,
    receivedBytes: 0,
    durationMs: 2,
    ...more,
  })
}

test('connections stand in the logs as such, and a host that was refused is allowed from there', async () => {
  await openSession('?panel=logs')
  const log = page.getByRole('log')
  await log.getByText('VITE ready').waitFor()
  connect('registry.npmjs.org', {
    verdict: 'allowed',
    reason: null,
    canAllow: false,
    sentBytes: 1_834,
    receivedBytes: 120_344,
    durationMs: 214,
  })
  connect('api.example.com')
  connect('db.example.com', { port: 5432 })
  connect('10.0.0.1', { reason: 'An address of the network.', canAllow: false })
  const line = (text) => page.getByTestId('connection').filter({ hasText: text })
  await line('registry.npmjs.org').getByText('1.8 kB out, 120 kB in, 214 ms').waitFor()
  await line('10.0.0.1').getByText('An address of the network.').waitFor()
  assert.equal(await line('10.0.0.1').getByRole('button').count(), 0)

  await page.getByRole('combobox', { name: 'Source' }).click()
  await page.getByRole('option', { name: 'Network' }).click()
  await log.getByText('VITE ready').waitFor({ state: 'detached' })
  await page.getByTestId('logs-state').getByText('4 lines').waitFor()

  await page.getByRole('button', { name: 'Allow host api.example.com' }).focus()
  await page.keyboard.press('Enter')
  await line('api.example.com').getByText('Allowed now').waitFor()
  const undo = page.getByRole('button', { name: 'Undo', exact: true })
  await until('the way back under the keyboard', () => isFocused(undo))
  await page.getByRole('button', { name: 'Allow host db.example.com:5432' }).click()
  await line('db.example.com').getByText('Allowed now').waitFor()
  assert.deepEqual(fake.session.view.allowedHosts, ['api.example.com', 'db.example.com:5432'])
  await undo.click()
  await page.getByText('db.example.com:5432 may not be reached any more.').first().waitFor()
  assert.deepEqual(fake.session.view.allowedHosts, ['api.example.com'])
})

test('secrets are kept at once, never shown, and do not get in the way of the other settings', async () => {
  await openSession()
  await page.getByRole('button', { name: 'Session settings' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('There is no secret yet.').waitFor()
  await dialog.getByLabel('Hosts its programs may reach').fill('docs.example.com')
  const value = dialog.getByLabel('Value', { exact: true })
  assert.equal(await value.getAttribute('type'), 'password')
  await dialog.getByLabel('Host', { exact: true }).fill('not a host')
  await value.fill('Bearer sk-1')
  await dialog.getByRole('button', { name: 'Add secret' }).click()
  await dialog.getByRole('alert').getByText('“not a host” is no host.').waitFor()
  await dialog.getByLabel('Host', { exact: true }).fill('https://API.example.com/v1')
  await value.press('Enter')
  await dialog.getByRole('listitem').getByText('api.example.com', { exact: true }).waitFor()
  assert.equal(fake.session.secrets.get('api.example.com').header, 'Authorization')
  assert.equal(await value.inputValue(), '')
  assert.equal(await dialog.getByText('sk-1').count(), 0)

  await dialog.getByRole('button', { name: 'Replace the secret for api.example.com' }).click()
  await until('the field', () => isFocused(value))
  await dialog.getByLabel('Header', { exact: true }).fill('X-Api-Key')
  await value.fill('sk-2')
  await dialog.getByRole('button', { name: 'Replace secret', exact: true }).last().click()
  await dialog.getByText('X-Api-Key').waitFor()
  assert.equal(fake.session.secrets.get('api.example.com').value, 'sk-2')

  await dialog.getByRole('button', { name: 'Remove the secret for api.example.com' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click()
  await dialog.getByText('There is no secret yet.').waitFor()
  assert.equal(fake.session.secrets.size, 0)

  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.waitFor({ state: 'detached' })
  assert.deepEqual(fake.session.view.allowedHosts, ['docs.example.com'])
})

test('a link is made for as long as chosen and copied, and all are ended', async () => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await openSession()
  await page.getByRole('button', { name: 'Share' }).click()
  const dialog = page.getByRole('dialog', { name: 'Share' })
  await dialog.getByRole('button', { name: '30 days' }).click()
  await dialog.getByRole('button', { name: 'Make a link' }).click()
  const link = dialog.getByLabel('Link', { exact: true })
  await until('the link', async () => /\/shared\/x+1$/.test(await link.inputValue()))
  await dialog.getByText(/^Good until/).waitFor()
  assert.deepEqual(calls('/share')[0].body, { days: 30 })
  await dialog.getByRole('button', { name: 'Copy' }).click()
  const copied = await page.evaluate(() => navigator.clipboard.readText())
  assert.equal(copied, await link.inputValue())

  await dialog.getByRole('button', { name: 'End all links' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'End all links' }).click()
  await dialog.getByRole('status').getByText('All links have ended.').waitFor()
  assert.equal(await link.count(), 0)
  assert.equal(fake.session.links, 0)
})

test('a shell is typed into, keeps its screen, follows the size, and lets the keyboard out', async () => {
  await openSession('?panel=terminal')
  await screen().getByText('bakery').waitFor()
  await shellInput().focus()
  await page.keyboard.type('ls -l\r')
  await screen().getByText('you said ls').waitFor()
  await until('what was typed', () => fake.shells[0].typed === 'ls -l\r')
  // Colours that the policy of the page would keep out if they came as style attributes.
  const colour = await screen()
    .getByText('~', { exact: true })
    .first()
    .evaluate((piece) => getComputedStyle(piece).color)
  assert.notEqual(colour, await screen().evaluate((rows) => getComputedStyle(rows).color))

  const [before] = fake.shells[0].sizes
  assert.ok(before.columns > 40 && before.rows > 10, JSON.stringify(before))
  await page.setViewportSize({ width: 800, height: 600 })
  await until('the new size', () => fake.shells[0].sizes.at(-1).rows < before.rows)
  await screen().getByText('you said ls').waitFor()

  await page.getByRole('tab', { name: 'Logs' }).click()
  await page.getByRole('log').waitFor()
  await page.getByRole('tab', { name: 'Terminal' }).click()
  await screen().getByText('you said ls').waitFor()
  assert.equal(fake.shells.length, 1, 'it is still the same shell')

  await until('the keyboard in it', () => isFocused(shellInput()))
  await page.keyboard.press('Tab')
  await until('a tab in the shell', () => fake.shells[0].typed.endsWith('\t'))
  assert.ok(await isFocused(shellInput()))
  await page.keyboard.press('Shift+Escape')
  await page.getByText('Tab moves on now.').first().waitFor()
  await page.keyboard.press('Shift+Tab')
  await until('the keyboard elsewhere', async () => !(await isFocused(shellInput())))
  assert.ok(!fake.shells[0].typed.includes('\u001b'), 'the shell has seen none of it')
  await shellInput().focus()
  await page.keyboard.press('Control+Shift+Digit6')
  await until('the tab', () => isFocused(page.getByRole('tab', { name: 'Terminal' })))

  await page.getByRole('link', { name: 'All sessions' }).click()
  await until('the end of the shell', () => !fake.shells[0].isOpen)
})

test('a shell that ended, was lost or could not begin is told, and another is begun', async () => {
  await openSession('?panel=terminal')
  const again = page.getByRole('button', { name: 'New shell' })
  const told = (text) => page.getByRole('status').getByText(text).waitFor()
  await told('The shell runs')
  await shellInput().focus()
  await page.keyboard.type('exit\r')
  await told('The shell has ended.')
  await screen().getByText('exit').waitFor()
  await again.click()
  await told('The shell runs')
  assert.ok(await isFocused(shellInput()))
  assert.equal(await screen().getByText('exit').count(), 0, 'a new shell begins with an empty screen')

  fake.shells[1].end(1001, 'the server stops')
  await told('The connection was lost')
  await again.click()
  await until('a third shell', () => fake.shells.length === 3)
  await told('The shell runs')
  fake.shells[2].end(1011, 'The sandbox has no room left.')
  await told('No shell could be started. The sandbox has no room left.')
  await again.waitFor()
})

// --- nothing is in anybody's way -------------------------------------------------------------------------------

const ROOMS = [
  { name: 'the list', path: '/studio' },
  { name: 'a session that is not there', path: '/studio/ses_00000000000000000000' },
  { name: 'a new session', path: `/studio/${SESSION}` },
  { name: 'a question', path: `/studio/${SESSION}`, act: askSomething },
  { name: 'files', path: `/studio/${SESSION}?panel=files&file=src/App.tsx`, act: () => editor().waitFor() },
  { name: 'changes', path: `/studio/${SESSION}?panel=changes`, act: changeSomething },
  { name: 'a search in a file', path: `/studio/${SESSION}?panel=files&file=src/App.tsx`, act: findSomething },
  { name: 'logs', path: `/studio/${SESSION}?panel=logs`, prepare: connectSomewhere, act: showConnections },
  { name: 'a shell', path: `/studio/${SESSION}?panel=terminal`, act: () => screen().waitFor() },
  { name: 'a shell that ended', path: `/studio/${SESSION}?panel=terminal`, act: endShell },
  {
    name: 'settings',
    path: `/studio/${SESSION}`,
    prepare: keepSecret,
    act: () => openDialog(/settings|Configurações/),
  },
  { name: 'a link', path: `/studio/${SESSION}`, act: makeLink },
  { name: 'deleted sessions', path: '/studio', act: deleteSomething },
  { name: 'an app that failed', path: `/studio/${SESSION}`, prepare: failApp },
]

async function askSomething() {
  await page.locator('[data-composer]').fill('Please ask first')
  await page.locator('[data-composer]').press('Enter')
  await page.getByTestId('gate').waitFor()
}

async function changeSomething() {
  fake.session.files['src/main.css'] = ':root {\n  --accent: #000;\n}\n'
  await page.reload()
  await page.getByTestId('file-diff').waitFor()
}

async function findSomething() {
  await editor().click()
  await page.keyboard.press('Control+f')
  await page.keyboard.type('hero')
  await page.locator('.cm-searchMatch').first().waitFor()
}

function connectSomewhere() {
  connect('registry.npmjs.org', { verdict: 'allowed', reason: null })
  connect('api.example.com')
  connect('slow.example.com', { verdict: 'failed', reason: 'The name could not be found.' })
}

async function showConnections() {
  await page.getByTestId('connection').first().waitFor()
}

async function endShell() {
  await screen().waitFor()
  fake.shells[0].end(1000, 'the shell ended')
  await page.getByRole('button', { name: /New shell|Novo shell/ }).waitFor()
}

function keepSecret() {
  const createdAt = new Date().toISOString()
  fake.session.secrets.set('api.example.com', { host: 'api.example.com', header: 'Authorization', createdAt })
}

async function openDialog(name) {
  await page.getByRole('button', { name }).click()
  await page.getByRole('dialog').waitFor()
}

async function makeLink() {
  await openDialog(/Share|Compartilhar/)
  await page.getByRole('button', { name: /Make a link|Criar link/ }).click()
  await page.getByLabel('Link', { exact: true }).waitFor()
}

async function deleteSomething() {
  await page.getByRole('button', { name: /(Delete|Excluir) Bakery/ }).click()
  await page
    .getByRole('alertdialog')
    .getByRole('button', { name: /Delete|Excluir/ })
    .click()
  await page.getByRole('button', { name: /Deleted sessions|Sessões excluídas/ }).click()
  await page.getByRole('button', { name: /(Restore|Restaurar) Bakery/ }).waitFor()
}

function failApp() {
  fake.session.status = 'failed'
  fake.session.problem = { code: 'dev_server_ended', message: 'It ended with 1.', hint: 'Look at the logs.' }
}

describe('no page has an accessibility violation', () => {
  for (const language of ['en', 'pt-BR']) {
    for (const room of ROOMS) {
      test(`${room.name}, ${language}`, async () => {
        await context.close()
        await openPage({ locale: language === 'en' ? 'en-US' : language, reducedMotion: 'reduce' })
        await room.prepare?.()
        await page.goto(fake.origin + room.path)
        await page.locator('h1').first().waitFor()
        await room.act?.()
        for (const look of LOOKS[language]) await assertSound(page, look, language)
      })
    }
  }
})
