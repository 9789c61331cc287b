import { type SseMessage, SseParser } from './sse'

/** The messages of an answer that comes as an event stream, as they arrive. For streams that are read once. */
export async function* readEvents(response: Response): AsyncGenerator<SseMessage> {
  if (!response.body) return
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  const parser = new SseParser()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield* parser.push(decoder.decode(value, { stream: true }))
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
