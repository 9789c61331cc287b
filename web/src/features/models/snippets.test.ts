import { expect, test } from 'vitest'
import { baseUrl, CLIENTS, snippet, TONGUES } from './snippets'

test('each client gets the address that its own paths go behind', () => {
  expect(baseUrl('openai', 'http://127.0.0.1:8080')).toBe('http://127.0.0.1:8080/v1')
  expect(baseUrl('anthropic', 'http://127.0.0.1:8080')).toBe('http://127.0.0.1:8080')
})

test('every snippet names the address and the model, and takes the token from the environment', () => {
  for (const client of CLIENTS) {
    for (const tongue of TONGUES) {
      const text = snippet(client, tongue, 'http://127.0.0.1:8080', 'ollama/llama3.1:8b')
      expect(text).toContain(baseUrl(client, 'http://127.0.0.1:8080'))
      expect(text).toContain('ollama/llama3.1:8b')
      expect(text).toContain('ATELIER_TOKEN')
    }
  }
})
