import type { TFunction } from 'i18next'

/** What a workflow is called; those that are not known here keep the name they have. */
export function workflowName(workflow: string, t: TFunction): string {
  return workflow === 'supervisor' || workflow === 'code' ? t(`workflow.${workflow}`) : workflow
}
