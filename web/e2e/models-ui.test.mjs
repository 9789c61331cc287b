// Providers, limits, the playground and the usage in a real browser, over a provider that speaks OpenAI's protocol:
// set up by hand, asked, fallen back from, stopped in the middle, held back by a limit, and counted.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { launchBrowser, openContext, ownsServer, Server, until } from './harness.mjs'

const KEY = 'sk-canary-5f1c2e'
const MODEL = 'scripted-1'
const ANSWER = '**Seven** is prime. <img src="x" onerror="document.title = 1"> <b>really</b>'

let stoppedByClient = 0

/** A provider. It lists its model, answers a question, fails where it is to, and never ends where it is asked to. */
function scriptedProvider({ fails }) {
  return createServer(async (request, response) => {
    const asked = (await request.setEncoding('utf8').toArray()).join('')
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' })
      return response.end(JSON.stringify({ object: 'list', data: [{ id: MODEL, object: 'model' }] }))
    }
    if (fails) {
      response.writeHead(400, { 'content-type': 'application/json' })
      return response.end(JSON.stringify({ error: { message: 'Not today', type: 'invalid_request_error' } }))
    }
    const choice = (delta, finish_reason) => ({ index: 0, delta, message: delta, finish_reason })
    if (!asked.includes('"stream":true')) {
      const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }
      const message = { role: 'assistant', content: ANSWER }
      response.writeHead(200, { 'content-type': 'application/json' })
      return response.end(JSON.stringify({ model: MODEL, choices: [choice(message, 'stop')], usage }))
    }
    const event = (body) => `data: ${JSON.stringify({ object: 'chat.completion.chunk', ...body })}\n\n`
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    if (asked.includes('without end')) {
      const talk = setInterval(
        () => response.write(event({ choices: [choice({ content: 'on ' }, null)] })),
        50,
      )
      response.on('close', () => {
        clearInterval(talk)
        stoppedByClient += 1
      })
      return
    }
    for (const piece of ANSWER.match(/.{1,12}/gs)) {
      response.write(event({ choices: [choice({ content: piece }, null)] }))
    }
    const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }
    response.end(
      `${event({ choices: [choice({}, 'stop')] })}${event({ choices: [], usage })}data: [DONE]\n\n`,
    )
  })
}

const sound = scriptedProvider({ fails: false })
const broken = scriptedProvider({ fails: true })
const server = new Server()
let browser

const baseUrl = (provider) => `http://127.0.0.1:${provider.address().port}/v1`
const api = async (context, method, path, data) => {
  const response = await context.request.fetch(`${server.origin}/api/v1${path}`, {
    method,
    data,
    headers: { origin: server.origin },
  })
  assert.ok(response.ok(), `${method} ${path}: ${response.status()} ${await response.text()}`)
  return response.status() === 204 ? null : response.json()
}
const providerOf = async (context, name) =>
  (await api(context, 'GET', '/providers')).items.find((provider) => provider.name === name)

before(async () => {
  for (const provider of [sound, broken]) await once(provider.listen(0, '127.0.0.1'), 'listening')
  await server.start()
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  await server.remove()
  for (const provider of [sound, broken]) {
    provider.closeAllConnections()
    provider.close()
  }
})

/** Asks in the playground by keyboard and waits for what comes of it. */
async function ask(page, question, state) {
  await page.getByLabel('Question', { exact: true }).fill(question)
  await page.keyboard.press('Control+Enter')
  const answer = page.getByTestId('answer').last()
  await until(
    `an answer that is ${state}`,
    async () => (await answer.getAttribute('data-state').catch(() => null)) === state,
  )
  return answer
}

test('a provider is added, tested, changed and turned off and on', { skip: !ownsServer }, async () => {
  const { context, problems } = await openContext(browser, server)
  const page = await context.newPage()
  await page.goto(`${server.origin}/settings/providers`)
  await page.getByRole('button', { name: 'Add provider' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: /Another endpoint/ }).click()
  await dialog.getByRole('button', { name: 'Add', exact: true }).click()
  await dialog.getByText('This is no web address').waitFor()
  await dialog.getByLabel('Title', { exact: true }).fill('Sound one')
  await dialog.getByLabel('Address', { exact: true }).fill(baseUrl(sound))
  await dialog.getByLabel('Key', { exact: true }).fill(KEY)
  await dialog.getByLabel('Model', { exact: true }).fill(MODEL)
  await dialog.getByText('Advanced', { exact: true }).click()
  await dialog.getByLabel('Name', { exact: true }).fill('sound')
  await dialog.getByRole('button', { name: 'Add', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })

  const row = page.getByRole('listitem', { name: 'Sound one', exact: true })
  await row.getByRole('button', { name: 'Details of Sound one' }).click()
  await row.getByRole('button', { name: 'Test', exact: true }).click()
  await row.getByTestId('test-result').getByText('It works').waitFor()
  const { key } = await providerOf(context, 'sound')
  assert.equal(key.state, 'set')
  assert.ok(!(await page.content()).includes(KEY), 'a key never comes back')

  await row.getByRole('button', { name: 'Edit', exact: true }).click()
  await dialog.getByLabel('Model', { exact: true }).fill('scripted-2')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.waitFor({ state: 'detached' })
  assert.equal((await providerOf(context, 'sound')).model, 'scripted-2')
  assert.equal((await providerOf(context, 'sound')).key.state, 'set', 'a key that was not touched stays')
  await api(context, 'PATCH', '/providers/sound', { model: MODEL })

  await row.getByRole('button', { name: 'Turn off' }).click()
  await row.getByRole('button', { name: 'Turn on' }).click()
  await row.getByRole('button', { name: 'Turn off' }).waitFor()
  assert.equal((await providerOf(context, 'sound')).enabled, true)
  assert.deepEqual(problems, [])
  await context.close()
})

test('the order is changed by keyboard, and the rules by their switches', { skip: !ownsServer }, async () => {
  const { context, problems } = await openContext(browser, server)
  await api(context, 'POST', '/providers', {
    name: 'broken',
    title: 'Broken one',
    base_url: baseUrl(broken),
    model: MODEL,
    dialect: 'chat',
  })
  const page = await context.newPage()
  await page.goto(`${server.origin}/settings/providers`)
  const up = page.getByRole('button', { name: 'Move Broken one up' })
  await up.focus()
  await page.keyboard.press('Enter')
  await until('the new order', async () => {
    const { order } = await api(context, 'GET', '/llm/routing')
    return order.indexOf('broken') < order.indexOf('sound')
  })
  const rows = page.getByRole('listitem').filter({ has: page.getByRole('button', { name: /^Details of/ }) })
  await until('the order on screen', async () => /Broken one/.test((await rows.first().textContent()) ?? ''))

  const local = page.getByRole('switch', { name: 'Only this machine' })
  await local.click()
  await until('local only', async () => (await api(context, 'GET', '/llm/routing')).local_only)
  await local.click()
  await until('no longer local only', async () => !(await api(context, 'GET', '/llm/routing')).local_only)
  assert.deepEqual(problems, [])
  await context.close()
})

test('an answer is streamed, shown inert, and says who was asked before', { skip: !ownsServer }, async () => {
  const { context, problems } = await openContext(browser, server)
  const page = await context.newPage()
  await page.goto(`${server.origin}/playground`)
  const answer = await ask(page, 'Is seven prime?', 'answered')
  await answer.locator('strong', { hasText: 'Seven' }).waitFor()
  assert.equal(await answer.locator('img, b').count(), 0, 'HTML of a model is left out')
  await answer.getByText('100 tokens in, 20 out').waitFor()
  await answer.getByText(/first word after/).waitFor()
  await answer.getByText(/2 were asked/).waitFor()
  assert.match((await answer.textContent()) ?? '', /broken[\s\S]*sound/)

  await page.goto(`${server.origin}/playground?model=sound`)
  const talk = page.getByTestId('answer').last()
  await page.getByLabel('Question', { exact: true }).fill('Talk without end')
  await page.keyboard.press('Control+Enter')
  await talk.getByText('on on').waitFor()
  await page.getByRole('button', { name: 'Stop', exact: true }).click()
  await talk.getByText('Stopped').waitFor()
  await until('the provider to be let go', () => stoppedByClient > 0)
  assert.deepEqual(problems, [])
  await context.close()
})

test('what was asked is counted, and each call tells of its attempts', { skip: !ownsServer }, async () => {
  const { context, problems } = await openContext(browser, server)
  await until('counted requests', async () => {
    const from = new Date(Date.now() - 86_400_000).toISOString()
    const to = new Date(Date.now() + 60_000).toISOString()
    const usage = await api(context, 'GET', `/llm/usage?from=${from}&to=${to}&bucket=hour`)
    return usage.totals.requests > 0 && usage.totals.fallbacks > 0
  })
  const page = await context.newPage()
  await page.goto(`${server.origin}/usage`)
  const plot = page.getByRole('group', { name: 'Requests' }).first()
  await plot.focus()
  await page.keyboard.press('End')
  await plot.getByText('sound').first().waitFor()
  await page.getByRole('button', { name: '24 hours' }).click()
  await page.waitForURL(/range=24h/)
  await page.getByRole('heading', { name: 'Latest calls' }).waitFor()
  const call = page.locator('details').filter({ hasText: '2 were asked' }).first()
  await call.locator('summary').click()
  await call.getByText(/1\. broken/).waitFor()
  await call.getByText(/2\. sound/).waitFor()
  assert.deepEqual(problems, [])
  await context.close()
})

test('a limit that is reached refuses until it is removed', { skip: !ownsServer }, async () => {
  const { context, problems } = await openContext(browser, server)
  const page = await context.newPage()
  await page.goto(`${server.origin}/settings/limits`)
  await page.getByRole('button', { name: 'Add limit' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByText('Say at least one').waitFor()
  await dialog.getByLabel('Requests', { exact: true }).fill('1')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('progressbar', { name: 'Requests' }).waitFor()

  // Whatever was asked before counts too, or it does not: the second question is refused at the latest.
  await page.goto(`${server.origin}/playground?model=sound`)
  await page.getByLabel('Question', { exact: true }).fill('One')
  await page.keyboard.press('Control+Enter')
  await page.locator('[data-testid=answer]:not([data-state=answering])').waitFor()
  const refused = await ask(page, 'Two', 'failed')
  await refused.getByText(/budget_exhausted/).waitFor()

  await page.goto(`${server.origin}/settings/limits`)
  await page.getByText('Reached', { exact: true }).waitFor()
  await page.getByRole('button', { name: /^Remove:/ }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove', exact: true }).click()
  await page.getByRole('heading', { name: 'No limits' }).waitFor()
  await page.goto(`${server.origin}/playground?model=sound`)
  await ask(page, 'Three', 'answered')
  assert.deepEqual(problems, [])
  await context.close()
})

test('a provider is deleted after a question', { skip: !ownsServer }, async () => {
  const { context, problems } = await openContext(browser, server)
  const page = await context.newPage()
  await page.goto(`${server.origin}/settings/providers`)
  const row = page.getByRole('listitem', { name: 'Broken one', exact: true })
  await row.getByRole('button', { name: 'Details of Broken one' }).click()
  await row.getByRole('button', { name: 'Delete', exact: true }).click()
  const question = page.getByRole('alertdialog')
  await question.getByRole('button', { name: 'Keep it' }).click()
  assert.ok(await providerOf(context, 'broken'))
  await row.getByRole('button', { name: 'Delete', exact: true }).click()
  await question.getByRole('button', { name: 'Delete', exact: true }).click()
  await row.waitFor({ state: 'detached' })
  assert.equal(await providerOf(context, 'broken'), undefined)
  assert.deepEqual(problems, [])
  await context.close()
})
