import { send } from '@/lib/http'
import { ApiError } from '@/lib/problem'
import { readEvents } from '@/lib/read-events'
import type { Infer, Inference } from '@/lib/wire'

export type { Infer, Inference }

export interface InferListener {
  /** The next piece of the answer. */
  onText: (text: string) => void
  /** The next piece of what the model thinks before it answers. */
  onThinking: (text: string) => void
}

/**
 * Asks a model and hands on what it says as it arrives. An answer that breaks off is an error, never an answer: it
 * is whole only once the server has said so.
 */
export async function infer(body: Infer, listener: InferListener, signal: AbortSignal): Promise<Inference> {
  const response = await send('/llm/infer', {
    method: 'POST',
    body: { ...body, stream: true },
    headers: { accept: 'text/event-stream' },
    signal,
  })
  for await (const message of readEvents(response)) {
    const data = JSON.parse(message.data)
    if (message.event === 'token') listener.onText(data.text)
    else if (message.event === 'thinking') listener.onThinking(data.text)
    else if (message.event === 'done') return data as Inference
    else if (message.event === 'error') {
      throw new ApiError(0, { ...data, request_id: response.headers.get('x-request-id') ?? undefined })
    }
  }
  throw new ApiError(0, { code: 'stream_broke_off', detail: 'stream_broke_off' })
}
