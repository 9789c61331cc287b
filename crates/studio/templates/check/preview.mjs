// The preview as the Studio shows it: in a frame, on an origin of its own or below a path, through a
// proxy on another port; and what is changed shows without loading the page by hand.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as ask } from 'node:http'
import { connect } from 'node:net'
import { serve } from './project.mjs'
import { changeText } from './recipes.mjs'

const PREFIX = '/api/v1/sessions/s1/preview/proxy/'
const SEEN = 'Changed while you look'
const WAIT_MS = 20_000

export async function checkPreview(template, folder, browser) {
  const entry = template.texts.entry.find(({ pointer }) => pointer.endsWith('/hero/title'))
  const tries = [
    { label: 'own origin', environment: {}, prefix: undefined },
    { label: 'path', environment: { ATELIER_BASE: PREFIX }, prefix: PREFIX, isCut: template.dev.base === 'relative' },
  ]
  for (const [index, { label, environment, prefix, isCut }] of tries.entries()) {
    const isNeeded = prefix && !isCut
    await serve(template, folder, async (address) => {
      const proxy = await startProxy(new URL(address).port, prefix, isCut)
      try {
        const host = prefix ? '127.0.0.1' : `s1-${new URL(address).port}.localhost`
        const change = () => changeText(template, folder, entry.pointer, `${SEEN} ${index}`)
        await watchChange(browser, `http://${host}:${proxy.port}${prefix ?? '/'}`, `${SEEN} ${index}`, change, label)
      } finally {
        proxy.close()
      }
    }, isNeeded ? environment : {})
  }
}

async function watchChange(browser, address, expected, change, label) {
  const said = []
  const frame = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html')
    response.end(`<!doctype html><title>Studio</title><iframe src="${address}" width="1000" height="700"></iframe>`)
  }).listen(0, '127.0.0.1')
  await once(frame, 'listening')
  const page = await browser.newPage()
  page.on('console', (message) => message.type() === 'error' && said.push(`${message.text()} ${message.location().url}`))
  page.on('pageerror', (error) => said.push(String(error)))
  try {
    await page.goto(`http://127.0.0.1:${frame.address().port}/`)
    const shown = page.frameLocator('iframe')
    await shown.locator('h1').waitFor({ timeout: WAIT_MS })
    await shown.locator('nav a').last().click()
    await shown.locator('h1', { hasText: 'About this page' }).waitFor({ timeout: WAIT_MS })
    await shown.locator('nav a').first().click()
    await shown.locator('.hero h1').waitFor({ timeout: WAIT_MS })
    // A change that comes before the page listens would be missed.
    await page.waitForTimeout(1500)
    change()
    await shown.locator('h1', { hasText: expected }).waitFor({ timeout: WAIT_MS })
    const colour = await shown.locator('html').evaluate((html) => getComputedStyle(html).getPropertyValue('--canvas'))
    assert.ok(colour, 'the styles are there')
    assert.deepEqual(said.filter((line) => !line.endsWith('/favicon.ico')), [], 'the console')
  } catch (error) {
    error.message = `preview, ${label}: ${error.message}\n${said.join('\n')}`
    throw error
  } finally {
    await page.close()
    frame.close()
    frame.closeAllConnections()
  }
}

/** Passes everything on to a port, with the host the browser named; below a prefix, which it may cut off. */
async function startProxy(port, prefix, isCut) {
  const sockets = new Set()
  const target = (url) => (isCut ? `/${url.slice(prefix.length)}` : url)
  const isOutside = (url) => prefix && !url.startsWith(prefix) && url.split('?')[0] !== prefix.slice(0, -1)
  const server = createServer((request, response) => {
    if (isOutside(request.url)) return void response.writeHead(404).end()
    const options = { host: '127.0.0.1', port, path: target(request.url), method: request.method, headers: request.headers }
    const onward = ask(options, (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    request.pipe(onward)
  })
  server.on('upgrade', (request, socket, head) => {
    if (isOutside(request.url)) return void socket.destroy()
    const onward = connect(port, '127.0.0.1', () => {
      const headers = request.rawHeaders.flatMap((_, at, all) => (at % 2 ? [] : `${all[at]}: ${all[at + 1]}\r\n`))
      onward.write(`GET ${target(request.url)} HTTP/1.1\r\n${headers.join('')}\r\n`)
      onward.write(head)
      socket.pipe(onward).pipe(socket)
    })
    for (const end of [socket, onward]) {
      sockets.add(end)
      end.on('error', () => {})
      end.on('close', () => [socket, onward].forEach((other) => other.destroy()))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    server.closeAllConnections()
  }
  return { port: server.address().port, close }
}
