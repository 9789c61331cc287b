// No page has an accessibility violation, in any theme, any language, wide or narrow.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { assertSound, LOOKS, settle } from './accessibility.mjs'
import { GIVEN_CONTEXT, giveContext } from './given-context.mjs'
import { GATED_RUNBOOK, getRun, launchBrowser, openContext, Server, submitGoal, until } from './harness.mjs'

const server = new Server()
let browser
let gated
let planned
let finished

before(async () => {
  await server.start()
  browser = await launchBrowser()
  const { context } = await openContext(browser, server)
  gated = (await submitGoal(context, server, { goal: GATED_RUNBOOK })).id
  planned = (await submitGoal(context, server, { goal: GATED_RUNBOOK, require_approval: true })).id
  finished = await submitGoal(context, server, {
    goal: '# Count\n\n## Count to ten\n\n```shell\nseq 10\n```\n',
  })
  for (const id of [gated, planned]) {
    await until('an open gate', async () => (await getRun(context, server, id)).status === 'waiting_approval')
  }
  await until(
    'a finished run',
    async () => (await getRun(context, server, finished.id)).status === 'completed',
  )
  finished = await getRun(context, server, finished.id)
  await context.close()
})

after(async () => {
  await browser?.close()
  await server.remove()
})

const ROOMS = [
  { name: 'today', path: () => '/' },
  { name: 'runs', path: () => '/runs' },
  { name: 'runs, nothing found', path: () => '/runs?q=nothing-is-called-this' },
  { name: 'run at its gate', path: () => `/runs/${gated}` },
  { name: 'run at the approval of its plan', path: () => `/runs/${planned}` },
  { name: 'run with a step chosen', path: () => `/runs/${finished.id}?step=${finished.steps[0].name}` },
  { name: 'run log', path: () => `/runs/${gated}?tab=log` },
  { name: 'run files', path: () => `/runs/${gated}?tab=files` },
  { name: 'run plan', path: () => `/runs/${gated}?tab=plan` },
  {
    name: 'run context',
    path: () => `/runs/${gated}?tab=context`,
    prepare: (page) => giveContext(page, GIVEN_CONTEXT),
    act: readContext,
  },
  {
    name: 'run without context',
    path: () => `/runs/${gated}?tab=context`,
    prepare: (page) => giveContext(page, null),
  },
  { name: 'no such run', path: () => '/runs/run_does_not_exist' },
  { name: 'new goal', path: () => '/new' },
  { name: 'plan preview', path: () => '/new?example=runbook', act: previewPlan },
  { name: 'code', path: () => '/code', act: runSnippet },
  { name: 'playground', path: () => '/playground' },
  { name: 'playground with an answer', path: () => '/playground', act: askModel },
  { name: 'usage', path: () => '/usage' },
  { name: 'usage of a day', path: () => '/usage?range=24h' },
  { name: 'providers', path: () => '/settings/providers' },
  { name: 'providers, one to add', path: () => '/settings/providers?add=new', act: seeDialog },
  { name: 'providers, one to fill in', path: () => '/settings/providers?add=custom', act: seeDialog },
  { name: 'limits', path: () => '/settings/limits' },
  { name: 'limits, one to add', path: () => '/settings/limits', act: addLimit },
  { name: 'other programs', path: () => '/settings/clients' },
  { name: 'palette', path: () => '/', act: openPalette },
  { name: 'not found', path: () => '/no/such/page' },
  { name: 'not signed in', path: () => '/', signedOut: true },
]

async function readContext(page) {
  await page.getByTestId('pack-entry').locator('button').first().click()
  await page.getByTestId('run-context').locator('summary').click()
}

async function previewPlan(page) {
  await page.locator('button:has(svg.lucide-sparkles)').first().click()
  await page.locator('ol li h3').first().waitFor()
}

async function runSnippet(page) {
  await page.locator('.cm-content').waitFor()
  await page.locator('button:has(svg.lucide-play)').click()
  await page.getByTestId('code-result').waitFor()
}

async function askModel(page) {
  await page.locator('textarea').first().fill('Summarise: The only sentence here.')
  await page.keyboard.press('Control+Enter')
  await page.locator('[data-testid=answer]:not([data-state=answering])').waitFor()
}

async function seeDialog(page) {
  await page.getByRole('dialog').locator('input').first().waitFor()
}

async function addLimit(page) {
  await page.locator('main button:has(svg.lucide-plus)').click()
  await seeDialog(page)
}

async function openPalette(page) {
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').waitFor()
}

// Each room is opened once in each language; both at once, since each has a window of its own.
describe('every page', { concurrency: 2 }, () => {
  for (const language of ['en', 'pt-BR']) {
    describe(`in ${language}`, { concurrency: 1 }, () => {
      let context
      let problems

      before(async () => {
        const opened = await openContext(browser, server, { locale: language === 'en' ? 'en-US' : language })
        context = opened.context
        problems = opened.problems
      })

      after(() => context?.close())

      for (const room of ROOMS) {
        test(room.name, async () => {
          if (room.signedOut) await context.clearCookies()
          const page = await context.newPage()
          await room.prepare?.(page)
          await page.goto(server.origin + (await room.path()))
          await settle(page)
          await room.act?.(page)
          for (const look of LOOKS[language]) await assertSound(page, look, language)
          assert.deepEqual(problems, [])
          await page.close()
        })
      }
    })
  }
})
