/** The shapes on the wire, under short names. The only file that knows how they are generated. */
import type { components } from '@/gen/api'

type Schemas = components['schemas']

export type Session = Schemas['Session']
export type Run = Schemas['Run']
export type RunStatus = Schemas['RunStatus']
export type RunError = Schemas['RunError']
export type Step = Schemas['Step']
export type StepKind = Schemas['StepKind']
export type StepStatus = Schemas['StepStatus']
export type Acceptance = Schemas['Acceptance']
export type Gate = Schemas['Gate']
export type GateDecision = Schemas['GateDecision']
export type Artifact = Schemas['Artifact']
export type RunEvent = Schemas['Event']
export type SubmitRun = Schemas['SubmitRun']
export type CodeLanguage = Schemas['CodeLanguage']
export type CodeOutcome = Schemas['CodeOutcome']
export type CodeRun = Schemas['CodeRun']
export type Model = Schemas['Model']
export type Problem = Schemas['Problem']

// What the server always sends, though the document does not promise it.

export type Cost = Required<Schemas['Cost']>
export type Criterion = Omit<Schemas['Criterion'], 'check'> & { check?: Record<string, unknown> | null }
export type PlanStep = Omit<Schemas['PlanStep'], 'language' | 'depends_on' | 'acceptance'> & {
  language?: CodeLanguage | null
  depends_on: string[]
  acceptance: Criterion[]
}
export type Plan = Omit<Schemas['Plan'], 'steps'> & { steps: PlanStep[] }
export type Dispatch = Omit<Schemas['Dispatch'], 'plan'> & { plan: Plan }
export type RunDetail = Omit<Schemas['RunDetail'], 'plan' | 'cost'> & { plan: Plan | null; cost: Cost }
