import type { TFunction } from 'i18next'
import { expect, test } from 'vitest'
import type { RunDetail, Step } from './api'
import { arrangeSteps } from './arrange-steps'

const t = ((key: string) => key) as TFunction

function step(name: string, ...depends_on: string[]): Step {
  return {
    name,
    title: name.toUpperCase(),
    kind: 'step',
    status: 'completed',
    depends_on,
    attempts: 1,
    started_at: null,
    finished_at: null,
    duration_ms: null,
    result: null,
    error: null,
    acceptance: [],
  }
}

function plan(...ids: string[]): RunDetail['plan'] {
  const steps = ids.map((id) => ({ id, title: id, kind: 'note' as const, depends_on: [], acceptance: [] }))
  return { goal: '', title: '', planner: 'rules', language: 'en', steps }
}

test('steps stand in the order in which they are taken', () => {
  const steps = [
    step('plan'),
    step('s1'),
    step('s2', 's1'),
    step('s3', 's1'),
    step('context'),
    step('s1-review'),
    step('summary'),
    step('child'),
  ]
  const arranged = arrangeSteps({ workflow: 'supervisor', plan: plan('s1', 's2', 's3'), steps }, t)
  expect(arranged.map(({ name, depends_on }) => [name, ...depends_on].join(' '))).toEqual([
    'plan',
    'context plan',
    's1 context',
    's1-review s1',
    's2 s1-review',
    's3 s1-review',
    'summary s2 s3',
    'child',
  ])
  expect(arranged.map((one) => one.title).slice(0, 3)).toEqual(['ownStep.plan', 'ownStep.context', 'S1'])
})

test('the steps of another workflow, or without a plan yet, stay as they are', () => {
  const steps = [step('context'), step('plan')]
  expect(arrangeSteps({ workflow: 'other', plan: plan('s1'), steps }, t)).toEqual(steps)
  const early = arrangeSteps({ workflow: 'supervisor', plan: null, steps }, t)
  expect(early.map((one) => one.name)).toEqual(['context', 'plan'])
})
