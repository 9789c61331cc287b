// Starts what a browser test needs: the server in a folder of its own, Chromium, and a page that is signed in.
//
// ATELIER_E2E_BINARY  the program to start (`atelier serve --data DIR --listen 127.0.0.1:PORT`)
// ATELIER_E2E_URL     instead of that, the link of a server that already runs, `/open?key=…` included
// ATELIER_E2E_CHROMIUM  the browser; if not given, the first of BROWSERS there is

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'

const START_TIMEOUT_MS = 20_000
const STOP_TIMEOUT_MS = 12_000

/** Whether the tests can stop and start the server. */
export const ownsServer = Boolean(process.env.ATELIER_E2E_BINARY)

if (!ownsServer && !process.env.ATELIER_E2E_URL) {
  throw new Error(
    'Set ATELIER_E2E_BINARY to the atelier program, or ATELIER_E2E_URL to the link of a running server.',
  )
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** A server on a workspace of its own. It keeps its port and its workspace when it is started again. */
export class Server {
  #binary = process.env.ATELIER_E2E_BINARY
  #process = null
  #data = null
  #port = 0
  /** Of the one sign-in: a link opens only once. */
  cookies = null
  link = process.env.ATELIER_E2E_URL ?? ''

  get origin() {
    return new URL(this.link).origin
  }

  async start() {
    if (!this.#binary) return
    this.#data ??= await mkdtemp(join(tmpdir(), 'atelier-e2e-'))
    this.#port ||= await freePort()
    const args = ['serve', '--data', this.#data, '--listen', `127.0.0.1:${this.#port}`]
    const child = spawn(this.#binary, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = child
    let said = ''
    child.stderr.on('data', (chunk) => {
      said = (said + chunk).slice(-4_000)
    })
    this.link = await new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no link after ${START_TIMEOUT_MS} ms\n${said}`)),
        START_TIMEOUT_MS,
      )
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}\n${said}`)))
      createInterface({ input: child.stdout }).on('line', (line) => {
        const link = /https?:\/\/\S+\/open\?key=\S+/.exec(line)
        if (!link) return
        clearTimeout(timer)
        resolve(link[0])
      })
    })
  }

  /** `SIGKILL` is the hard way: nothing may be lost then either. */
  async stop(signal = 'SIGTERM') {
    const child = this.#process
    this.#process = null
    if (!child || child.exitCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await ended
    clearTimeout(late)
  }

  async remove() {
    await this.stop('SIGKILL')
    if (this.#data) await rm(this.#data, { recursive: true, force: true })
  }
}

// In place of Playwright's own list, of which this is what matters here. The last ones are parts of a window that
// nobody sees, each with a process of its own.
const DISABLED_FEATURES = [
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'MediaRouter',
  'OptimizationHints',
  'PaintHolding',
  'ThirdPartyStoragePartitioning',
  'PreloadTopChromeWebUI',
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxFullPopup',
]

// The first has no window at all and takes a sixth less of the processor.
const BROWSERS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium']

export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.ATELIER_E2E_CHROMIUM ?? BROWSERS.find(existsSync) ?? BROWSERS.at(-1),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--disable-features=${DISABLED_FEATURES.join(',')}`,
    ],
  })
}

const NOISE = [
  // What a browser says by itself when a server is away or refuses; the page has to show it, not the console.
  /Failed to load resource/,
  /net::ERR_/,
]

/** A signed-in context. Everything that goes wrong in its pages is gathered in `problems`. */
export async function openContext(browser, server, options = {}) {
  const context = await browser.newContext({
    locale: 'en-US',
    viewport: { width: 1280, height: 900 },
    ...options,
  })
  const problems = []
  context.on('page', (page) => {
    page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.message}`))
    page.on('console', (message) => {
      if (message.type() !== 'error' || NOISE.some((noise) => noise.test(message.text()))) return
      problems.push(`${page.url()}: ${message.text()}`)
    })
    page.on('request', (request) => {
      const url = new URL(request.url())
      if (url.protocol.startsWith('http') && url.origin !== server.origin) problems.push(`went out to ${url}`)
    })
  })
  if (server.cookies) await context.addCookies(server.cookies)
  else {
    const page = await context.newPage()
    await page.goto(server.link)
    server.cookies = await context.cookies()
    await page.close()
  }
  return { context, problems }
}

/** Starts a run by the API, with the session of the context. */
export async function submitGoal(context, server, body) {
  const response = await context.request.post(`${server.origin}/api/v1/runs`, {
    data: body,
    headers: { origin: server.origin },
  })
  if (response.status() !== 202) throw new Error(`${response.status()}: ${await response.text()}`)
  return response.json()
}

export async function getRun(context, server, id) {
  return (await context.request.get(`${server.origin}/api/v1/runs/${id}`)).json()
}

/** Waits until something is so; says what it was waiting for if it never is. */
export async function until(what, probe, timeoutMs = 30_000) {
  const end = Date.now() + timeoutMs
  for (;;) {
    const found = await probe()
    if (found) return found
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** A goal with code, checks, a gate and a report, that needs no model and no network. */
export const GATED_RUNBOOK = `# Visits of the quarter

## Collect the visits

\`\`\`python
import time
with open("visits.csv", "w") as file:
    file.write("month,visits\\n")
    for month, visits in [("Jan", 1240), ("Feb", 1385), ("Mar", 1190)]:
        file.write(f"{month},{visits}\\n")
        print("collected", month, flush=True)
        time.sleep(0.2)
\`\`\`

- [ ] visits.csv exists

## Find the best month

\`\`\`shell
sleep 1
tail -n +2 visits.csv | sort -t, -k2 -n -r | head -n 1 > best.txt
cat best.txt
\`\`\`

- [ ] best.txt exists

## Approve the figures

Ask for approval before the report is written.

## Write the report
`
