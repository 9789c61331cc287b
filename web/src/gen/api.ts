// The shapes on the wire, as the OpenAPI document names them. Only features/*/api.ts and lib import this file.

type Json = unknown

export interface components {
  schemas: {
    Problem: {
      type: string
      title: string
      status: number
      detail?: string | null
      code: string
      hint?: string | null
      request_id?: string | null
    }
    Session: { actor: string; scopes: string[]; version: string; workspace: string }
    RunStatus: 'queued' | 'running' | 'waiting' | 'waiting_approval' | 'completed' | 'failed' | 'cancelled'
    RunError: { code: string; message: string; hint?: string | null }
    Run: {
      id: string
      workflow: string
      title: string
      status: components['schemas']['RunStatus']
      created_at: string
      updated_at: string
      finished_at: string | null
      parent_id: string | null
      forked_from: string | null
      actor: string
      waiting_gates: number
      error: components['schemas']['RunError'] | null
    }
    StepKind:
      | 'code'
      | 'command'
      | 'gate'
      | 'report'
      | 'recall'
      | 'plan'
      | 'timer'
      | 'child'
      | 'note'
      | 'step'
    StepStatus: 'pending' | 'running' | 'completed' | 'failed' | 'skipped' | 'waiting'
    Acceptance: { text: string; passed: boolean | null; detail: string | null }
    Step: {
      name: string
      title: string
      kind: components['schemas']['StepKind']
      status: components['schemas']['StepStatus']
      depends_on: string[]
      attempts: number
      started_at: string | null
      finished_at: string | null
      duration_ms: number | null
      result: Json
      error: components['schemas']['RunError'] | null
      acceptance: components['schemas']['Acceptance'][]
    }
    GateDecision: 'approve' | 'skip' | 'reject'
    Gate: {
      name: string
      title: string
      detail: string | null
      digest: string
      proposal: Json
      opened_at: string
      decision: components['schemas']['GateDecision'] | null
      feedback: string | null
      decided_at: string | null
      decided_by: string | null
      stage: string | null
    }
    Artifact: { path: string; content_type: string; size: number; digest: string; created_at: string }
    Cost: { tokens_in: number; tokens_out: number; usd: number }
    PlanStep: {
      id: string
      title: string
      kind: 'code' | 'gate' | 'report' | 'recall' | 'note'
      depends_on: string[]
      language?: 'python' | 'javascript' | 'shell' | null
      code?: string | null
      detail?: string | null
      acceptance: { text: string; check?: { kind: string } | null }[]
    }
    Plan: {
      goal: string
      title: string
      planner: 'rules' | 'runbook' | 'model'
      language: 'en' | 'pt'
      steps: components['schemas']['PlanStep'][]
    }
    RunDetail: components['schemas']['Run'] & {
      input: Json
      result: Json
      plan: components['schemas']['Plan'] | null
      steps: components['schemas']['Step'][]
      gates: components['schemas']['Gate'][]
      artifacts: components['schemas']['Artifact'][]
      cost: components['schemas']['Cost']
      last_seq: number
    }
    Event: { run_id: string; seq: number; ts: string | number; kind: string; payload: Json }
    Dispatch: {
      id: string
      plan: components['schemas']['Plan']
      planner: components['schemas']['Plan']['planner']
      created_at: string
    }
    SubmitRun: {
      goal: string
      title?: string
      task_type?: 'auto'
      require_approval?: boolean
      files?: { name: string; content_base64: string }[]
      model?: string
    }
    CodeLanguage: 'python' | 'javascript' | 'shell'
    CodeOutcome: 'completed' | 'failed' | 'timed_out' | 'out_of_memory' | 'output_limit' | 'cancelled'
    CodeRun: {
      run_id: string
      language: components['schemas']['CodeLanguage']
      code?: string
      outcome: components['schemas']['CodeOutcome']
      stdout: string
      stderr: string
      exit_code: number | null
      signal: number | null
      duration_ms: number
      timed_out: boolean
      stdout_truncated: boolean
      stderr_truncated: boolean
      peak_memory_bytes: number | null
      created_at: string
    }
    Model: { name: string; kind: string; local: boolean; available: boolean }
    Health: { status: string; version: string; uptime_ms: number; checks: Json }
  }
}
