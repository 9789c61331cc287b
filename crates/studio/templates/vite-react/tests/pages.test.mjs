// Every page renders, and what belongs on it is there. Vite loads the sources as it does for the browser.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { createServer } from 'vite'

let vite
let routes

before(async () => {
  const quiet = { middlewareMode: true, hmr: false, ws: false, watch: null }
  vite = await createServer({ appType: 'custom', logLevel: 'error', optimizeDeps: { noDiscovery: true }, server: quiet })
  routes = (await vite.ssrLoadModule('/src/routes.tsx')).routes
})

after(() => vite.close())

test('the frame shows the first page and links to all of them', async () => {
  const { App } = await vite.ssrLoadModule('/src/App.tsx')
  const html = renderToStaticMarkup(createElement(App))
  assert.match(html, /<main id="main">/)
  for (const route of routes) assert.ok(html.includes(`href="${route.path}"`), `no link to ${route.path}`)
})

test('every page has one heading of the first level', () => {
  for (const route of routes) {
    const html = renderToStaticMarkup(createElement(route.Page))
    assert.equal(html.split('<h1').length - 1, 1, `headings of ${route.path}`)
  }
})

test('no two pages share a path', () => {
  const paths = routes.map((route) => route.path)
  assert.equal(new Set(paths).size, paths.length)
})
