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

/** Uses what can be used on a page that has every section: the menu, the counter, the tasks, the form. */
export async function tryOut(browser, address) {
  const page = await browser.newPage({ viewport: { width: 390, height: 844 } })
  page.setDefaultTimeout(15_000)
  try {
    await page.goto(address)
    // What the server rendered is there before it can be used.
    const pages = page.locator('.navbar nav a').nth(1)
    for (let attempt = 0; attempt < 30 && !(await pages.isVisible()); attempt += 1) {
      await page.locator('.navbar-menu').click()
      await page.waitForTimeout(500)
    }
    assert.ok(await pages.isVisible(), 'the menu opens')

    await page.locator('.counter button').nth(1).click()
    assert.equal(await page.locator('.counter output').textContent(), '1')

    await page.locator('.todo form input').fill('Water the plants')
    await page.locator('.todo form button').click()
    await page.locator('.todo li input').check()
    await page.reload()
    await page.locator('.todo li', { hasText: 'Water the plants' }).waitFor()
    assert.ok(await page.locator('.todo li input').isChecked(), 'a task is kept')
    await page.locator('.todo li button').click()
    await page.locator('.todo li').waitFor({ state: 'detached' })

    await page.locator('.faq summary').first().click()
    await page.locator('.faq details p').first().waitFor({ state: 'visible' })

    const form = page.locator('.contact form')
    for (const [index, text] of ['Ada', 'ada@example.com', 'Hello'].entries()) {
      await form.locator('input, textarea').nth(index).fill(text)
    }
    await form.locator('button').click()
    await form.locator('[role=status]', { hasText: 'Thank you' }).waitFor()
  } finally {
    await page.close()
  }
}
