import { expect, test } from 'vitest'
import { readProposal } from './read-proposal'

const step = { id: 's7', title: 'Write', kind: 'code', depends_on: ['s6'], language: 'python', code: 'x\n' }
const read = { ...step, detail: null, acceptance: [] }

test('a plan is its steps', () => {
  const check = { kind: 'command', language: 'shell', code: 'test -e a' }
  const proposal = [{ ...step, acceptance: [{ text: 'a is there', check }, { text: 'it reads well' }] }]
  const acceptance = [
    { text: 'a is there', check },
    { text: 'it reads well', check: null },
  ]
  expect(readProposal(proposal)).toEqual([{ kind: 'steps', steps: [{ ...read, acceptance }] }])
})

test('a gate of a plan is its files and what comes next', () => {
  expect(readProposal({ files: { 'out/a.csv': 'd1' }, next: [step] })).toEqual([
    { kind: 'files', files: [{ path: 'out/a.csv', digest: 'd1' }] },
    { kind: 'steps', steps: [read] },
  ])
  expect(readProposal({ files: {}, next: [] })).toEqual([])
})

test('a review is what a person has to judge', () => {
  expect(readProposal({ step: 's2', criteria: ['it reads well'], files: {} })).toEqual([
    { kind: 'criteria', criteria: ['it reads well'] },
  ])
})

test('code and commands are code', () => {
  expect(readProposal({ language: 'javascript', code: 'f()' })).toEqual([
    { kind: 'code', language: 'javascript', code: 'f()' },
  ])
  expect(readProposal({ command: ['rm', '-r', "it's"], dry_run: false })).toEqual([
    { kind: 'code', language: 'shell', code: `rm -r 'it'\\''s'` },
    { kind: 'facts', facts: [{ name: 'Dry run', value: 'false' }] },
  ])
})

test('text is text', () => {
  expect(readProposal('Send it?')).toEqual([{ kind: 'text', name: null, text: 'Send it?' }])
  expect(readProposal({ to: 'a@example.org', body: 'Hi\nthere' })).toEqual([
    { kind: 'text', name: 'Body', text: 'Hi\nthere' },
    { kind: 'facts', facts: [{ name: 'To', value: 'a@example.org' }] },
  ])
})

test('anything else is names and values', () => {
  const proposal = { amount: 12, to: { name: 'Ana', tags: ['a', 'b'] }, lines: [{ n: 1 }, null], none: [] }
  expect(readProposal(proposal)).toEqual([
    {
      kind: 'facts',
      facts: [
        { name: 'Amount', value: '12' },
        { name: 'To › Name', value: 'Ana' },
        { name: 'To › Tags', value: 'a, b' },
        { name: 'Lines › 1 › N', value: '1' },
        { name: 'Lines › 2', value: '–' },
      ],
    },
  ])
  expect(readProposal([{ kind: 'dance' }])).toEqual([
    { kind: 'facts', facts: [{ name: '1 › Kind', value: 'dance' }] },
  ])
  for (const nothing of [null, undefined, '', {}, []]) {
    expect(readProposal(nothing).filter((part) => part.kind !== 'steps')).toEqual([])
  }
})

test('of very many values the number of those left out is told', () => {
  const [part] = readProposal({ rows: Array.from({ length: 43 }, (_, n) => n) })
  expect(part?.kind === 'facts' && part.facts.at(-1)).toEqual({ name: '…', value: '+3' })
})
