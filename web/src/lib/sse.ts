/** One message of a `text/event-stream`. */
export interface SseMessage {
  id: string | null
  event: string
  data: string
}

/**
 * Splits a `text/event-stream` into messages, however it is cut into chunks. Comments (the heartbeats) give no
 * message. Follows the WHATWG HTML standard, 9.2.6, except that a message with an id and no data is dropped.
 */
export class SseParser {
  private rest = ''
  private id: string | null = null
  private event = ''
  private data: string[] = []

  push(chunk: string): SseMessage[] {
    const text = this.rest + chunk
    const messages: SseMessage[] = []
    let from = 0
    for (;;) {
      const end = lineEnd(text, from)
      if (!end) break
      const message = this.line(text.slice(from, end.at))
      if (message) messages.push(message)
      from = end.next
    }
    this.rest = text.slice(from)
    return messages
  }

  private line(line: string): SseMessage | null {
    if (line === '') return this.finish()
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') this.data.push(value)
    else if (field === 'event') this.event = value
    else if (field === 'id' && !value.includes('\0')) this.id = value
    return null
  }

  private finish(): SseMessage | null {
    const message = this.data.length
      ? { id: this.id, event: this.event || 'message', data: this.data.join('\n') }
      : null
    this.event = ''
    this.data = []
    return message
  }
}

/** Where the next line ends. A trailing CR is left alone: its LF may be in the next chunk. */
function lineEnd(text: string, from: number): { at: number; next: number } | null {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '\n') return { at, next: at + 1 }
    if (text[at] === '\r') {
      if (at + 1 === text.length) return null
      return { at, next: text[at + 1] === '\n' ? at + 2 : at + 1 }
    }
  }
  return null
}
