import { expect, test } from 'vitest'
import { newTurn, requestOf, type Settings } from './conversation'

const plain: Settings = { system: '', model: '', policy: '', local: false, temperature: '', max_tokens: '' }

test('a question is sent with what was said before it, without the turns that failed', () => {
  const turns = [
    { ...newTurn(1, 'one?'), text: 'One.', state: 'answered' as const },
    { ...newTurn(2, 'two?'), text: 'Tw', state: 'failed' as const },
    { ...newTurn(3, 'three?'), text: 'Thr', state: 'stopped' as const },
  ]
  expect(requestOf(turns, 'four?', { ...plain, system: ' Be brief. ' }).input).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'one?' },
    { role: 'assistant', content: 'One.' },
    { role: 'user', content: 'three?' },
    { role: 'assistant', content: 'Thr' },
    { role: 'user', content: 'four?' },
  ])
})

test('what is left open is not sent', () => {
  expect(JSON.parse(JSON.stringify(requestOf([], 'hm?', plain)))).toEqual({
    input: [{ role: 'user', content: 'hm?' }],
    params: {},
  })
})

test('what is chosen is sent', () => {
  const settings = {
    ...plain,
    model: 'openai',
    policy: 'fastest',
    local: true,
    temperature: '0',
    max_tokens: '50',
  }
  expect(requestOf([], 'hm?', settings)).toMatchObject({
    model: 'openai',
    policyOverride: 'fastest',
    privacy: 'local',
    params: { temperature: 0, max_tokens: 50 },
  })
})
