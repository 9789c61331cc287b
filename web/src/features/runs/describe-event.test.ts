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
  ['check', { text: 'a.csv exists', passed: false }, 'Check failed: a.csv exists'],
  ['completed', {}, 'Completed'],
  ['something_new', { a: 1 }, 'something_new {"a":1}'],
  ['log', null, ''],
])('says what %s means', (kind, payload, expected) => {
  expect(describeEvent({ run_id: 'r', seq: 1, ts: 0, kind, payload }, t)).toBe(expected)
})

test('unknown kinds belong to the run', () => {
  expect(groupOf('something_new')).toBe('run')
  expect(groupOf('gate_opened')).toBe('decisions')
})
