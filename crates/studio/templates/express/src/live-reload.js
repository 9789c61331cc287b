// While developing: tells open pages to load again when a file changed or the server was restarted.
import { watch } from 'node:fs'
import path from 'node:path'
import express from 'express'

const PARTS = ['content.json', 'public', 'views']

export function liveReload(root) {
  const router = express.Router()
  const listeners = new Set()
  let timer

  const changed = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      for (const response of listeners) response.write('data: reload\n\n')
    }, 60)
  }
  for (const part of PARTS) watch(path.join(root, part), { recursive: part !== 'content.json' }, changed)

  router.get('/events', (request, response) => {
    response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
    response.write('retry: 300\n\n')
    listeners.add(response)
    request.on('close', () => listeners.delete(response))
  })

  router.get('/client.js', (request, response) => {
    response.type('js').send(CLIENT)
  })
  return router
}

// A second "open" means that the server was away, so the page may be old.
const CLIENT = `
const events = new EventSource(new URL('events', import.meta.url))
let wasOpen = false
events.onopen = () => {
  if (wasOpen) location.reload()
  wasOpen = true
}
events.onmessage = () => location.reload()
`
