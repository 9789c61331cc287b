// A goal in plain words, in a real browser: a model plans it, a person approves exactly that plan, and what the model
// says stands in the report.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { getRun, launchBrowser, openContext, ownsServer, Server, submitGoal, until } from './harness.mjs'

const PLAN = {
  title: 'Sales by region',
  language: 'en',
  steps: [
    {
      id: 's1',
      title: 'Sum by region',
      kind: 'code',
      depends_on: [],
      language: 'shell',
      code: 'cut -d, -f1 sales.csv | sort | uniq -c',
      acceptance: [
        { text: 'there are two of the north', check: { kind: 'output_contains', text: '2 north' } },
      ],
    },
    { id: 's2', title: 'Say it in a sentence', kind: 'note', depends_on: ['s1'], acceptance: [] },
    { id: 's3', title: 'Write it up', kind: 'report', depends_on: ['s2'], acceptance: [] },
  ],
}
const SENTENCE = 'The north sells twice as often as the south.'

/** Says the plan where one is asked for and a sentence else, as the stream of chunks OpenAI defines. */
const model = createServer(async (request, response) => {
  const asked = (await request.setEncoding('utf8').toArray()).join('')
  const answer = asked.includes('You plan work') ? JSON.stringify(PLAN) : SENTENCE
  const choice = (delta, finish_reason) => ({ index: 0, delta, finish_reason })
  const event = (body) => `data: ${JSON.stringify({ object: 'chat.completion.chunk', ...body })}\n\n`
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const piece of answer.match(/.{1,40}/gs)) {
    response.write(event({ choices: [choice({ content: piece }, null)] }))
  }
  const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }
  response.end(`${event({ choices: [choice({}, 'stop')] })}${event({ choices: [], usage })}data: [DONE]\n\n`)
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

test('a plan of a model is approved as a whole and carried out', { skip: !ownsServer }, async () => {
  const { context, problems } = await openContext(browser, server)
  const run = await submitGoal(context, server, {
    goal: 'Summarise sales.csv by region',
    files: [{ name: 'sales.csv', content_base64: btoa('north,10\nsouth,5\nnorth,20\n') }],
  })
  const page = await context.newPage()
  await page.goto(`${server.origin}/runs/${run.id}`)
  const gate = page.getByRole('article', { name: 'Approve the plan' })
  await gate.waitFor({ timeout: 30_000 })
  const asked = await getRun(context, server, run.id)
  assert.deepEqual([asked.plan.planner, asked.plan.title], ['model', PLAN.title])
  await gate.getByText(asked.gates[0].digest).waitFor()

  await gate.getByRole('button', { name: 'Approve' }).click()
  await page.getByText('Completed', { exact: true }).first().waitFor({ timeout: 30_000 })
  const done = await until('the end of the run', async () => {
    const seen = await getRun(context, server, run.id)
    return seen.status === 'completed' && seen
  })
  assert.deepEqual(done.cost, { tokens_in: 200, tokens_out: 40, usd: 0 })
  const report = await context.request.get(`${server.origin}/api/v1/runs/${run.id}/artifacts/report.md`)
  assert.ok((await report.text()).includes(SENTENCE))
  assert.deepEqual(problems, [])
  await context.close()
})
