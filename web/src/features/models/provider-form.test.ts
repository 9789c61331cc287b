import { expect, test } from 'vitest'
import { additionOf, changeOf, fieldsFrom, fieldsOf, problemsOf } from './provider-form'
import type { Preset, Provider } from './wire'

const preset: Preset = {
  name: 'openai',
  title: 'OpenAI',
  base_url: 'https://api.openai.com/v1',
  dialect: 'chat',
  needs_key: true,
  key_variable: 'OPENAI_API_KEY',
  models: [{ id: 'gpt-4o-mini', context_tokens: 128_000, price: null }],
  default_model: null,
  note: null,
}

const provider: Provider = {
  name: 'openai',
  title: 'OpenAI',
  preset: 'openai',
  dialect: 'chat',
  base_url: preset.base_url,
  model: 'gpt-4o-mini',
  is_local: false,
  enabled: true,
  source: 'workspace',
  key: { state: 'set', storage: 'keychain', ending: 'x4Qz' },
  timeouts: { connect_ms: 1_500, first_content_ms: 60_000, stall_ms: 30_000, total_ms: 300_000 },
  concurrency: 4,
  price: { input: 2.5, output: 10, cached: null },
  context_tokens: 128_000,
  health: {
    state: 'healthy',
    failures_in_a_row: 0,
    first_content_ms: null,
    paused_until: null,
    last_error: null,
  },
}

test('of a preset only what differs from it is sent', () => {
  const first = fieldsFrom(preset, [])
  expect(additionOf(preset, first, { ...first, api_key: ' sk-1 ' })).toEqual({
    preset: 'openai',
    name: 'openai',
    model: 'gpt-4o-mini',
    api_key: 'sk-1',
  })
})

test('a name that is taken gets a number', () => {
  expect(fieldsFrom(preset, ['openai', 'openai-2']).name).toBe('openai-3')
})

test('without a preset the address and the dialect are sent', () => {
  const first = fieldsFrom(null, [])
  const fields = { ...first, base_url: 'http://10.0.0.7/v1', model: 'qwen' }
  expect(additionOf(null, first, fields)).toEqual({
    name: 'custom',
    base_url: 'http://10.0.0.7/v1',
    model: 'qwen',
    dialect: 'chat',
  })
})

test('a change sends what was changed and nothing else', () => {
  const before = fieldsOf(provider)
  expect(changeOf(before, before)).toEqual({})
  expect(changeOf(before, { ...before, model: 'gpt-4o', concurrency: '' })).toEqual({
    model: 'gpt-4o',
    concurrency: null,
  })
  expect(changeOf(before, { ...before, removes_key: true })).toEqual({ api_key: null })
  expect(changeOf(before, { ...before, price_input: '', price_output: '' })).toEqual({ price: null })
})

test('a timeout that is left empty is the usual one', () => {
  const before = fieldsOf(provider)
  expect(changeOf(before, { ...before, connect_s: '', stall_s: '12.5' }).timeouts).toEqual({
    connect_ms: 5_000,
    first_content_ms: 60_000,
    stall_ms: 12_500,
    total_ms: 300_000,
  })
})

test('what cannot be sent is named', () => {
  const fields = fieldsOf(provider)
  expect(problemsOf(fields)).toEqual({})
  expect(
    problemsOf({
      ...fields,
      name: 'Open AI',
      base_url: 'api.openai.com',
      model: ' ',
      total_s: '-1',
      concurrency: '2.5',
      price_output: '',
    }),
  ).toEqual({
    name: 'name',
    base_url: 'url',
    model: 'needed',
    total_s: 'number',
    concurrency: 'whole',
    price_output: 'needed',
  })
})
