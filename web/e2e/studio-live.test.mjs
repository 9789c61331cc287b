// The Studio as a person meets it: a real server, a sandbox, packages from the registry, the app in its frame. A model
// that plays a script changes the app; the change is seen by hot reload, and undone.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { launchBrowser, openContext, ownsServer, Server, until } from './harness.mjs'

/** What is awaited of a machine that does other things as well; the figures are printed. */
const PATIENCE = { timeout: 90_000 }

/** One tool call, then words. */
const model = createServer(async (request, response) => {
  const asked = JSON.parse((await request.setEncoding('utf8').toArray()).join(''))
  const choice = (delta, finish_reason) => ({ index: 0, delta, finish_reason })
  const event = (body) => `data: ${JSON.stringify({ object: 'chat.completion.chunk', ...body })}\n\n`
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  if (asked.messages.at(-1).role === 'tool') {
    for (const piece of ['The heading ', 'is **changed**.'])
      response.write(event({ choices: [choice({ content: piece }, null)] }))
    response.write(event({ choices: [choice({}, 'stop')] }))
  } else {
    const call = {
      path: 'src/content.json',
      old: '"title": "A calm place to start"',
      new: '"title": "Fresh bread every day"',
    }
    const tool = {
      index: 0,
      id: 'call_1',
      type: 'function',
      function: { name: 'fs_edit', arguments: JSON.stringify(call) },
    }
    response.write(event({ choices: [choice({ tool_calls: [tool] }, null)] }))
    response.write(event({ choices: [choice({}, 'tool_calls')] }))
  }
  response.end(
    `${event({ choices: [], usage: { prompt_tokens: 900, completion_tokens: 40, total_tokens: 940 } })}data: [DONE]\n\n`,
  )
})

const server = new Server()
let browser

before(async () => {
  await once(model.listen(0, '127.0.0.1'), 'listening')
  process.env.ATELIER_MODEL_BASE_URL = `http://127.0.0.1:${model.address().port}/v1`
  await server.start()
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  await server.remove()
  model.closeAllConnections()
  model.close()
})

/** Picks React on the Studio's page and opens a session. Gives the app in its frame, and how long it took to be seen. */
async function begin(page) {
  await page.goto(`${server.origin}/studio`)
  const open = page.getByRole('button', { name: 'Open in Studio' })
  await open.waitFor()
  const begun = Date.now()
  await open.click()
  const app = page.frameLocator('iframe').first()
  await app.getByRole('heading', { level: 1 }).waitFor(PATIENCE)
  return { app, ms: Date.now() - begun }
}

test('a template is seen, changed by the agent, reloaded, undone, and seen again after a restart', {
  skip: !ownsServer && 'needs a server of its own',
}, async (t) => {
  const { context, problems } = await openContext(browser, server)
  const page = await context.newPage()
  const cold = await begin(page)
  const id = new URL(page.url()).pathname.split('/').at(-1)

  await page
    .getByRole('textbox', { name: /message|describe/i })
    .first()
    .fill('Change the heading')
  await page.keyboard.press('Enter')
  await cold.app.getByRole('heading', { name: 'Fresh bread every day' }).waitFor(PATIENCE)
  await page.getByText('is changed.').waitFor(PATIENCE)
  await page.getByRole('button', { name: 'Undo these changes' }).waitFor(PATIENCE)
  const turn = await page.evaluate(async (id) => {
    const answer = await fetch(`/api/v1/sessions/${id}/messages`)
    return (await answer.json()).turns.at(-1)
  }, id)
  assert.equal(turn.status, 'finished', JSON.stringify(turn))
  assert.deepEqual(turn.changed, ['src/content.json'])
  const failed = turn.checks.filter((check) => !check.ok)
  assert.deepEqual(failed, [])

  // By hand, to see how soon a write is on the screen.
  const times = []
  for (let round = 1; round <= 5; round += 1) {
    const heading = `Heading number ${round}`
    const written = await page.evaluate(
      async ([id, heading]) => {
        const at = `/api/v1/sessions/${id}/fs`
        const file = await (await fetch(`${at}/read?path=src/content.json`)).json()
        const content = JSON.parse(file.content)
        content.home.hero.title = heading
        const body = JSON.stringify({
          path: 'src/content.json',
          content: JSON.stringify(content, null, 2),
          expectedVersion: file.version,
        })
        const answer = await fetch(`${at}/write`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        })
        return { status: answer.status, at: Date.now() }
      },
      [id, heading],
    )
    assert.equal(written.status, 200)
    await cold.app.getByRole('heading', { name: heading }).waitFor({ timeout: 20_000 })
    times.push(Date.now() - written.at)
  }

  await page.getByRole('button', { name: 'Undo these changes' }).first().click()
  await page
    .getByRole('dialog')
    .or(page.getByRole('alertdialog'))
    .getByRole('button', { name: /undo/i })
    .click()
  await cold.app.getByRole('heading', { name: 'A calm place to start' }).waitFor({ timeout: 20_000 })

  await server.stop('SIGKILL')
  await server.start()
  await page.goto(`${server.origin}/studio/${id}`)
  await page.getByText('Change the heading').first().waitFor({ timeout: 20_000 })
  await page
    .frameLocator('iframe')
    .first()
    .getByRole('heading', { name: 'A calm place to start' })
    .waitFor(PATIENCE)

  const warm = await begin(page)
  t.diagnostic(
    `seen after ${cold.ms} ms with nothing installed, after ${warm.ms} ms later; writes on screen after ${times.join(', ')} ms`,
  )
  const own = problems.filter((problem) => !problem.includes('.localhost:'))
  assert.deepEqual(own, [])
  await until(
    'both sessions',
    async () =>
      (await page.evaluate(async () => (await fetch('/api/v1/sessions')).json())).items.length === 2,
  )
  await context.close()
})
