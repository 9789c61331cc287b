import { expect, test } from 'vitest'
import { outputOf } from './step-output'

test.each<[string, unknown, [string, string][]]>([
  ['nothing', null, []],
  ['an empty object', {}, []],
  ['words', 'done', [['result', 'done']]],
  [
    'code that ran',
    { execution: { stdout: 'a\n', stderr: 'b', exit_code: 0 }, files: { 'a.csv': 'd' }, acceptance: [] },
    [
      ['stdout', 'a\n'],
      ['stderr', 'b'],
    ],
  ],
  ['code that said nothing', { execution: { stdout: '', stderr: ' \n' } }, []],
  ['a report', { text: '# All well', artifact: 'report.md' }, [['result', '# All well']]],
  ['an empty note', { text: '' }, []],
  [
    'what is recalled',
    [{ title: 'Sales', snippet: 'up 3 %' }, { title: 'Plan' }],
    [['result', 'Sales\nup 3 %\n\nPlan']],
  ],
  ['what is found', { hits: [] }, []],
  ['anything else', { count: 3 }, [['result', '{\n  "count": 3\n}']]],
])('%s is shown as it reads best', (_, result, expected) => {
  expect(outputOf(result).map(({ kind, text }) => [kind, text])).toEqual(expected)
})

test('output that was cut says so', () => {
  expect(outputOf({ stdout: 'a', stdout_truncated: true })).toEqual([
    { kind: 'stdout', text: 'a', cut: true },
  ])
})
