import type { TFunction } from 'i18next'
import type { PlanStep, Run, RunDetail, Step } from './api'

// What the supervisor does around the steps of a plan, by the names under which it records that.
const BEFORE = ['plan', 'context', 'approve-plan']
const AFTER = 'summary'
const REVIEW = '-review'
const NAMED = ['plan', 'context', 'summary'] as const

/** What a step is called. Those that every goal has are called alike in the language of the page. */
export function stepTitle(workflow: Run['workflow'], step: Step, t: TFunction): string {
  const own = NAMED.find((name) => name === step.name)
  return workflow === 'supervisor' && own ? t(`ownStep.${own}`) : step.title
}

/**
 * The steps of a run in the order in which they are taken, each depending on what it really waits for: the plan's
 * first steps on the making of the plan, what follows a reviewed step on its review, the summary on all the rest.
 */
export function arrangeSteps(run: Pick<RunDetail, 'workflow' | 'plan' | 'steps'>, t: TFunction): Step[] {
  const named = run.steps.map((step) => ({ ...step, title: stepTitle(run.workflow, step, t) }))
  if (run.workflow !== 'supervisor' || !run.plan) return named
  const byName = new Map(named.map((step) => [step.name, step]))
  const before = chained(BEFORE.flatMap((name) => byName.get(name) ?? []))
  const begins = before.at(-1)
  const planned = run.plan.steps.flatMap((step) => plannedSteps(step, byName, begins))
  const waitedFor = new Set(planned.flatMap((step) => step.depends_on))
  const ends = planned.filter((step) => !waitedFor.has(step.name)).map((step) => step.name)
  const summary = byName.get(AFTER)
  const arranged = [...before, ...planned, ...(summary ? [{ ...summary, depends_on: ends }] : [])]
  const taken = new Set(arranged.map((step) => step.name))
  return [...arranged, ...named.filter((step) => !taken.has(step.name))]
}

/** A step of the plan, and its review if there is one. */
function plannedSteps({ id }: PlanStep, byName: ReadonlyMap<string, Step>, begins: Step | undefined): Step[] {
  const step = byName.get(id)
  if (!step) return []
  const needs = step.depends_on.map((name) => (byName.has(name + REVIEW) ? name + REVIEW : name))
  const review = byName.get(id + REVIEW)
  const placed = { ...step, depends_on: needs.length === 0 && begins ? [begins.name] : needs }
  return review ? [placed, { ...review, depends_on: [id] }] : [placed]
}

function chained(steps: Step[]): Step[] {
  return steps.map((step, place) => ({ ...step, depends_on: steps.slice(0, place).slice(-1).map(nameOf) }))
}

function nameOf(step: Step): string {
  return step.name
}
