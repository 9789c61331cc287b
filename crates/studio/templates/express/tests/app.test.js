// The pages and the API, asked over HTTP.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { createApp } from '../src/app.js'
import { pages } from '../src/pages.js'

let server
let address

before(async () => {
  server = createApp().listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `http://127.0.0.1:${server.address().port}`
})

after(() => server.close())

test('every page answers with one heading of the first level and its navigation', async () => {
  for (const page of pages) {
    const response = await fetch(address + page.path)
    const html = await response.text()
    assert.equal(response.status, 200, page.path)
    assert.equal(html.split('<h1').length - 1, 1, `headings of ${page.path}`)
    assert.match(html, /aria-current="page"/)
  }
})

test('an unknown page says so', async () => {
  const response = await fetch(`${address}/nowhere`)
  assert.equal(response.status, 404)
  assert.match(await response.text(), /<h1>/)
})

test('a message is kept, an empty one is refused', async () => {
  const send = (body) =>
    fetch(`${address}/api/messages`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
  assert.equal((await send({ name: 'Ada', text: 'Hello' })).status, 201)
  assert.equal((await send({ name: ' ' })).status, 422)
  const { items } = await (await fetch(`${address}/api/messages`)).json()
  assert.deepEqual(items, [{ id: 1, name: 'Ada', text: 'Hello' }])
})

test('the API answers unknown paths in JSON', async () => {
  const response = await fetch(`${address}/api/nowhere`)
  assert.equal(response.status, 404)
  assert.equal(typeof (await response.json()).error, 'string')
})
