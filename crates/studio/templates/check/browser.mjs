// Opens pages in Chromium, if it and playwright-core are there, and lets nothing pass in the console.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { root } from './template.mjs'

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** A browser, or nothing where there is none; then a sentence says so. */
export async function openBrowser() {
  const executablePath = PROGRAMS.find((program) => existsSync(program))
  const library = path.join(root, '../../../web/node_modules/playwright-core')
  if (!executablePath || !existsSync(library)) {
    console.log('No browser: pages are only fetched. It takes Chromium, and `npm ci` in web/.')
    return undefined
  }
  const { chromium } = createRequire(import.meta.url)(library)
  return chromium.launch({ executablePath, args: ['--no-sandbox'] })
}

/** Opens a page in light, dark and narrow; answers its text. */
export async function lookAt(browser, address, pictures) {
  const wide = { width: 1280, height: 800 }
  const modes = [['light', wide], ['dark', wide], ['narrow', { width: 390, height: 844 }]]
  let text = ''
  for (const [mode, viewport] of modes) {
    const colorScheme = mode === 'dark' ? 'dark' : 'light'
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' })
    try {
      text = await lookOnce(await context.newPage(), address, mode)
      if (pictures) await context.pages()[0].screenshot({ path: `${pictures}-${mode}.png`, fullPage: true })
    } finally {
      await context.close()
    }
  }
  return text
}

async function lookOnce(page, address, mode) {
  const said = []
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && said.push(message.text()))
  page.on('pageerror', (error) => said.push(String(error)))
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.protocol.startsWith('http') && url.host !== new URL(address).host) said.push(`asks ${url}`)
  })
  await page.goto(address)
  await page.waitForSelector('h1')
  await page.waitForTimeout(300)
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  assert.ok(excess <= 0, `${address} is ${excess} px too wide (${mode})`)
  assert.deepEqual(said, [], `the console of ${address} (${mode})`)
  return page.evaluate(() => document.body.textContent)
}
