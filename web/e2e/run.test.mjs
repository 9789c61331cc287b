// A goal from its first word to its report, in a real browser: watched, approved, reloaded, and with the server
// taken away in the middle. Nothing that was on screen may be lost, doubled or out of order.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { GIVEN_CONTEXT, giveContext } from './given-context.mjs'
import {
  GATED_RUNBOOK,
  getRun,
  launchBrowser,
  openContext,
  ownsServer,
  Server,
  submitGoal,
  until,
} from './harness.mjs'

const server = new Server()
let browser

before(async () => {
  await server.start()
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  await server.remove()
})

const statusOf = (page, id) => getRun(page.context(), server, id).then((run) => run.status)

/** Every number in the log, from the first to the last, by scrolling through all of it. */
async function loggedNumbers(page) {
  await page.getByRole('tab', { name: 'Log' }).click()
  const log = page.getByRole('log')
  await log.waitFor()
  const seen = new Set()
  await log.focus()
  await page.keyboard.press('Home')
  for (;;) {
    await page.waitForTimeout(60)
    for (const row of await log.locator('[data-seq]').all()) {
      const seq = Number(await row.getAttribute('data-seq').catch(() => 0))
      if (seq) seen.add(seq)
    }
    const atEnd = await log.evaluate((box) => {
      if (box.scrollTop + box.clientHeight >= box.scrollHeight - 2) return true
      box.scrollTop += box.clientHeight / 2
      return false
    })
    if (atEnd) break
  }
  return [...seen].sort((a, b) => a - b)
}

async function assertWholeLog(page, id) {
  const { last_seq } = await getRun(page.context(), server, id)
  let numbers = []
  await until(
    `all ${last_seq} events on screen`,
    async () => {
      numbers = await loggedNumbers(page)
      return numbers.at(-1) === last_seq
    },
    15_000,
  )
  assert.deepEqual(
    numbers,
    Array.from({ length: last_seq }, (_, index) => index + 1),
  )
}

test('a goal is written, watched to its gate, approved, and finishes', async () => {
  const { context, problems } = await openContext(browser, server)
  const page = await context.newPage()
  await page.goto(`${server.origin}/new`)
  await page.getByLabel('Goal', { exact: true }).fill(GATED_RUNBOOK)
  await page.getByRole('button', { name: 'Preview plan' }).click()
  await page.getByRole('heading', { name: 'Find the best month' }).waitFor()
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  await page.waitForURL(/\/runs\/run_/)
  const id = new URL(page.url()).pathname.split('/').at(-1)

  await page.getByRole('button', { name: /Collect the visits/ }).waitFor()
  const gate = page.getByRole('article', { name: /Approve the figures/ })
  await gate.waitFor({ timeout: 30_000 })
  assert.equal(await statusOf(page, id), 'waiting_approval')
  const { gates } = await getRun(context, server, id)
  await gate.getByText(gates[0].digest).waitFor()

  await gate.getByRole('button', { name: 'Approve' }).click()
  await page.getByText('Completed', { exact: true }).first().waitFor({ timeout: 30_000 })
  assert.equal(await statusOf(page, id), 'completed')
  assert.equal(await gate.count(), 0)
  const decided = await getRun(context, server, id)
  assert.equal(decided.gates[0].decision, 'approve')

  await assertWholeLog(page, id)
  await page.getByRole('tab', { name: /Files/ }).click()
  await page.getByRole('button', { name: /report\.md/ }).waitFor()
  assert.deepEqual(problems, [])
  await context.close()
})

test('a gate is answered on Today by keyboard alone', async () => {
  const { context, problems } = await openContext(browser, server)
  const run = await submitGoal(context, server, { goal: GATED_RUNBOOK, title: 'By keyboard' })
  const page = await context.newPage()
  await page.goto(server.origin)
  const gate = page.getByRole('article').filter({ hasText: 'By keyboard' })
  await gate.waitFor({ timeout: 30_000 })
  const skip = gate.getByRole('button', { name: 'Skip' })
  for (let presses = 0; presses < 60; presses += 1) {
    if (await skip.evaluate((button) => button === document.activeElement)) break
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
  await gate.waitFor({ state: 'detached' })
  await until('the end of the run', async () => (await statusOf(page, run.id)) === 'completed')
  assert.equal((await getRun(context, server, run.id)).gates[0].decision, 'skip')
  await until('the focus on the title', () => page.evaluate(() => document.activeElement?.tagName === 'H1'))
  assert.deepEqual(problems, [])
  await context.close()
})

test('a page reloaded in the middle of a run shows all of it', async () => {
  const { context, problems } = await openContext(browser, server)
  const run = await submitGoal(context, server, { goal: GATED_RUNBOOK })
  const page = await context.newPage()
  await page.goto(`${server.origin}/runs/${run.id}?tab=log`)
  await page.getByRole('log').locator('[data-seq="2"]').waitFor()
  await page.reload()
  const gate = page.getByRole('article', { name: /Approve the figures/ })
  await gate.waitFor({ timeout: 30_000 })
  await page.reload()
  await gate.getByRole('button', { name: 'Approve' }).click()
  await until('the end of the run', async () => (await statusOf(page, run.id)) === 'completed')
  await assertWholeLog(page, run.id)
  assert.deepEqual(problems, [])
  await context.close()
})

test('what memory knew is asked for once it is looked at, and leads to where it came from', async () => {
  const { context, problems } = await openContext(browser, server)
  const run = await submitGoal(context, server, { goal: '# Count\n\n## Count\n\n```shell\nseq 3\n```\n' })
  await until(
    'the end of the run',
    async () => (await getRun(context, server, run.id)).status === 'completed',
  )
  const page = await context.newPage()
  let asked = 0
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === `/api/v1/context/${run.id}`) asked += 1
  })
  await giveContext(page, GIVEN_CONTEXT)
  await page.goto(`${server.origin}/runs/${run.id}`)
  await page.getByRole('button', { name: /Count/ }).first().waitFor()
  assert.equal(asked, 0)

  await page.getByRole('tab', { name: 'Context' }).click()
  const given = page.getByTestId('run-context')
  await given.getByText(GIVEN_CONTEXT.query).first().waitFor()
  await given.getByRole('progressbar', { name: 'Room used' }).waitFor()
  const entries = given.getByTestId('pack-entry')
  const cost = entries.filter({ hasText: 'What the oven cost' })
  const link = cost.getByRole('link', { name: 'What the oven cost' })
  assert.match(await link.getAttribute('href'), /^\/memory\/documents\/doc_0+1\?chunk=/)
  await cost.getByText('Local only').waitFor()
  await cost.getByRole('button', { name: 'Text of What the oven cost' }).click()
  await cost.getByText('The zirconium oven cost 4,200.').waitFor()
  assert.equal(await entries.filter({ hasText: 'soul.md' }).getByRole('link').count(), 0)
  await given.getByRole('button', { name: 'Text of Request' }).waitFor()
  await given.getByText('2 left out').click()
  await entries.filter({ hasText: 'Another letter' }).getByText('Said already').waitFor()
  await entries.filter({ hasText: 'A long report' }).getByText('No room').waitFor()

  await page.unroute('**/api/v1/context/run_*')
  await giveContext(page, null)
  await page.reload()
  await page.getByText('Nothing from memory').waitFor()
  await page.unroute('**/api/v1/context/run_*')
  await page.route('**/api/v1/context/run_*', (route) => route.fulfill({ status: 403, json: problem }))
  await page.reload()
  await page.getByText('It may not be read.').waitFor()
  assert.deepEqual(problems, [])
  await context.close()
})

const problem = { title: 'Forbidden', status: 403, code: 'scope_lacking', detail: 'It may not be read.' }

for (const signal of ['SIGTERM', 'SIGKILL']) {
  test(`the server ends by ${signal} in the middle and comes back`, { skip: !ownsServer }, async () => {
    const { context, problems } = await openContext(browser, server)
    const run = await submitGoal(context, server, { goal: GATED_RUNBOOK })
    const page = await context.newPage()
    await page.goto(`${server.origin}/runs/${run.id}?tab=log`)
    await page.getByRole('log').locator('[data-seq="3"]').waitFor()

    await server.stop(signal)
    await page.getByText('The server is away').waitFor()
    assert.ok(await page.getByRole('log').locator('[data-seq="3"]').isVisible(), 'what was on screen stays')
    await server.start()
    await page.getByText('The server is away').waitFor({ state: 'detached', timeout: 20_000 })

    const gate = page.getByRole('article', { name: /Approve the figures/ })
    await gate.waitFor({ timeout: 30_000 })
    await server.stop(signal)
    await page.getByText('The server is away').waitFor()
    await gate.getByRole('button', { name: 'Approve' }).click()
    await gate.getByText('The server cannot be reached').waitFor()
    await server.start()
    await page.getByText('The server is away').waitFor({ state: 'detached', timeout: 20_000 })
    assert.equal(await statusOf(page, run.id), 'waiting_approval', 'a decision that failed is not sent later')
    await gate.getByRole('button', { name: 'Approve' }).click()
    await until('the end of the run', async () => (await statusOf(page, run.id)) === 'completed')
    await page.getByText('Completed', { exact: true }).first().waitFor()
    await assertWholeLog(page, run.id)
    assert.deepEqual(problems, [])
    await context.close()
  })
}
