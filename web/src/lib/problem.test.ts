import { expect, test } from 'vitest'
import { ApiError, errorFrom, NetworkError } from './problem'

test('problem+json keeps its message, hint and request id', async () => {
  const body = {
    title: 'Invalid',
    detail: 'Too short.',
    code: 'goal_too_short',
    hint: 'Say more.',
    request_id: 'req_1',
  }
  const error = await errorFrom(
    new Response(JSON.stringify(body), {
      status: 422,
      headers: { 'content-type': 'application/problem+json' },
    }),
  )
  expect(error).toBeInstanceOf(ApiError)
  expect(error).toMatchObject({
    status: 422,
    message: 'Too short.',
    code: 'goal_too_short',
    hint: 'Say more.',
    requestId: 'req_1',
  })
})

test("a proxy's bare 502 means that the server is away", async () => {
  expect(await errorFrom(new Response('bad gateway', { status: 502 }))).toBeInstanceOf(NetworkError)
})

test('a refusal with no body still names the request', async () => {
  const error = await errorFrom(new Response('', { status: 413, headers: { 'x-request-id': 'req_2' } }))
  expect(error).toMatchObject({ status: 413, code: 'http_413', requestId: 'req_2' })
})
