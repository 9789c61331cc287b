// The JSON API, below /api.
import express from 'express'

export const api = express.Router()
api.use(express.json())

/** Kept in memory: they are gone when the server starts again. */
const messages = []

api.get('/health', (request, response) => {
  response.json({ status: 'ok' })
})

api.get('/messages', (request, response) => {
  response.json({ items: messages })
})

api.post('/messages', (request, response) => {
  const { name, text } = request.body ?? {}
  if (!isFilled(name) || !isFilled(text)) {
    response.status(422).json({ error: 'A message has a name and a text.' })
    return
  }
  const message = { id: messages.length + 1, name: name.trim(), text: text.trim() }
  messages.push(message)
  response.status(201).json(message)
})

// atelier:api

api.use((request, response) => {
  response.status(404).json({ error: 'There is nothing here.' })
})

function isFilled(value) {
  return typeof value === 'string' && value.trim() !== ''
}
