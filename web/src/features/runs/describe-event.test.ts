import { createInstance, type TFunction } from 'i18next'
import { beforeAll, expect, test } from 'vitest'
import en from '@/lib/i18n/en.json'
import { describeEvent, groupOf } from './describe-event'

let t: TFunction

beforeAll(async () => {
  t = await createInstance().init({
    lng: 'en',
    resources: { en: { translation: en } },
    interpolation: { escapeValue: false },
  })
})

test.each<[string, unknown, string]>([
  ['step_started', { step: 's1', title: 'Load data' }, 'Load data: begins'],
  ['step_failed', { step: 's1', error: { message: 'exit code 1' } }, 's1: failed: exit code 1'],
  ['log', { stream: 'stdout', line: 'hello <b>\n' }, 'hello <b>'],
  ['output', 'plain', 'plain'],
  ['gate_decided', { gate: 'g', title: 'Send', decision: 'approve' }, 'Send: approved'],
  ['artifact_added', { path: 'a.csv' }, 'File made: a.csv'],
  ['check', { step: 's1', check: { text: 'a.csv exists', passed: false } }, 'Check failed: a.csv exists'],
  ['check', { step: 's1', check: { text: 'it reads well', passed: null } }, 'To be judged: it reads well'],
  ['waiting', { on: ['s2', 'other'] }, 'Waits: Ask, other'],
  ['waiting', {}, 'Waits'],
  ['step_started', { step: 's2', attempt: 1 }, 'Ask: begins'],
  [
    'model_call',
    {
      provider: 'local',
      model: 'small',
      outcome: { kind: 'answered' },
      usage: { tokens_in: 200, tokens_out: 40 },
    },
    'small · local answered (200 tokens in, 40 out)',
  ],
  [
    'model_call',
    { provider: 'local', model: 'small', outcome: { kind: 'failed', code: 'x', message: 'refused' } },
    'small · local gave no answer: refused',
  ],
  ['completed', {}, 'Completed'],
  ['something_new', { a: 1 }, 'something_new {"a":1}'],
  ['log', null, ''],
])('says what %s means', (kind, payload, expected) => {
  const event = { run_id: 'r', seq: 1, ts: '2026-11-21T09:30:00.000Z', kind, payload }
  expect(describeEvent(event, t, new Map([['s2', 'Ask']]))).toBe(expected)
})

test('unknown kinds belong to the run', () => {
  expect(groupOf('something_new')).toBe('run')
  expect(groupOf('gate_opened')).toBe('decisions')
})
