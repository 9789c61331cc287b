import type { PlanStep } from './api'

/** A part of a proposal that has a look of its own. */
export type ProposalPart =
  | { kind: 'criteria'; criteria: string[] }
  | { kind: 'files'; files: { path: string; digest: string }[] }
  | { kind: 'steps'; steps: PlanStep[] }
  | { kind: 'code'; language: string | null; code: string }
  | { kind: 'text'; name: string | null; text: string }
  | { kind: 'facts'; facts: { name: string; value: string }[] }

const STEP_KINDS: readonly string[] = [
  'code',
  'gate',
  'report',
  'recall',
  'note',
] satisfies PlanStep['kind'][]
const MOST_FACTS = 40
const LONG_TEXT = 160

type Fields = Record<string, unknown>

/**
 * What a person has to know of a proposal, in the order in which it is read: what to judge, what it is about, what
 * will be done. A workflow may propose anything, so whatever has no look of its own is given by name and value.
 */
export function readProposal(proposal: unknown): ProposalPart[] {
  if (typeof proposal === 'string')
    return proposal.trim() ? [{ kind: 'text', name: null, text: proposal }] : []
  const steps = stepsOf(proposal)
  if (steps) return [{ kind: 'steps', steps }]
  if (!isFields(proposal)) return factsOf(proposal)
  const rest: Fields = { ...proposal }
  const parts = [takeCriteria(rest), takeFiles(rest), ...takeSteps(rest), takeCode(rest)]
  return [...parts.filter((part) => part !== null), ...takeTexts(rest), ...factsOf(rest)]
}

function takeCriteria(rest: Fields): ProposalPart | null {
  const { criteria } = rest
  if (!isTexts(criteria) || criteria.length === 0) return null
  delete rest.criteria
  // The id of the step they belong to; the question names it by its title.
  delete rest.step
  return { kind: 'criteria', criteria }
}

function takeFiles(rest: Fields): ProposalPart | null {
  const { files } = rest
  if (!isFields(files) || !Object.values(files).every((digest) => typeof digest === 'string')) return null
  delete rest.files
  const list = Object.entries(files as Record<string, string>).map(([path, digest]) => ({ path, digest }))
  return list.length === 0 ? null : { kind: 'files', files: list }
}

function takeSteps(rest: Fields): ProposalPart[] {
  return ['steps', 'next'].flatMap((name) => {
    const steps = stepsOf(rest[name])
    if (!steps) return []
    delete rest[name]
    return steps.length === 0 ? [] : [{ kind: 'steps' as const, steps }]
  })
}

function takeCode(rest: Fields): ProposalPart | null {
  for (const name of ['code', 'command', 'shell']) {
    const value = rest[name]
    const code = isTexts(value) ? value.map(quoted).join(' ') : value
    if (typeof code !== 'string' || code.trim() === '') continue
    delete rest[name]
    if (name !== 'code') return { kind: 'code', language: 'shell', code }
    const language = typeof rest.language === 'string' ? rest.language : null
    if (language !== null) delete rest.language
    return { kind: 'code', language, code }
  }
  return null
}

function takeTexts(rest: Fields): ProposalPart[] {
  return Object.entries(rest).flatMap(([name, value]) => {
    if (typeof value !== 'string' || (!value.includes('\n') && value.length <= LONG_TEXT)) return []
    delete rest[name]
    return [{ kind: 'text' as const, name: readable(name), text: value }]
  })
}

function factsOf(value: unknown): ProposalPart[] {
  const facts = flatten(value, [])
  if (facts.length === 0) return []
  const left = facts.length - MOST_FACTS
  // The rest is to be seen in the data; that there is more has to be seen here.
  return [
    {
      kind: 'facts',
      facts: left > 0 ? [...facts.slice(0, MOST_FACTS), { name: '…', value: `+${left}` }] : facts,
    },
  ]
}

function flatten(value: unknown, path: string[]): { name: string; value: string }[] {
  const name = path.join(' › ')
  if (value === null || value === undefined) return path.length === 0 ? [] : [{ name, value: '–' }]
  if (isTexts(value)) return value.length === 0 ? [] : [{ name, value: value.join(', ') }]
  if (Array.isArray(value)) return value.flatMap((item, index) => flatten(item, [...path, String(index + 1)]))
  if (isFields(value)) {
    return Object.entries(value).flatMap(([key, inner]) => flatten(inner, [...path, readable(key)]))
  }
  return [{ name, value: String(value) }]
}

function stepsOf(value: unknown): PlanStep[] | null {
  if (!Array.isArray(value)) return null
  const steps = value.map(stepOf)
  return steps.every((step) => step !== null) ? steps : null
}

function stepOf(value: unknown): PlanStep | null {
  if (!isFields(value)) return null
  const { id, title, kind } = value
  if (typeof id !== 'string' || typeof title !== 'string') return null
  if (typeof kind !== 'string' || !STEP_KINDS.includes(kind)) return null
  const acceptance = Array.isArray(value.acceptance) ? value.acceptance : []
  return {
    id,
    title,
    kind: kind as PlanStep['kind'],
    depends_on: isTexts(value.depends_on) ? value.depends_on : [],
    language: textOf(value.language) as PlanStep['language'],
    code: textOf(value.code),
    detail: textOf(value.detail),
    acceptance: acceptance.flatMap((criterion) => {
      if (!isFields(criterion) || typeof criterion.text !== 'string') return []
      return [{ text: criterion.text, check: isFields(criterion.check) ? criterion.check : null }]
    }),
  }
}

/** `content_type` as people write it: “Content type”. */
function readable(name: string): string {
  const words = name.replace(/[_-]+/g, ' ').trim()
  return words === '' ? name : words[0]?.toUpperCase() + words.slice(1)
}

/** An argument as a shell would need it, so that its bounds are seen. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
