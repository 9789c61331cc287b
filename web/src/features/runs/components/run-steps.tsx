import { ListTree } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Notice } from '@/components/states/notices'
import { Card } from '@/components/ui/card'
import { useMedia } from '@/lib/use-media'
import type { RunDetail, RunEvent, Step } from '../api'
import { RunSummary } from './run-summary'
import { StepGraph } from './step-graph'
import { StepList } from './step-list'
import { StepPanel } from './step-panel'

interface Props {
  run: RunDetail
  events: readonly RunEvent[]
  selected: string | undefined
  onSelect: (name: string | undefined) => void
  onFile: (path: string) => void
  onFork: (afterStep: string) => void
  forking: boolean
  forkError: unknown
}

/** The graph of a run and beside it the chosen step, or the run at a glance if none is chosen. */
export function RunSteps({ run, events, selected, onSelect, onFile, onFork, forking, forkError }: Props) {
  const { t } = useTranslation()
  const wide = useMedia('(min-width: 64rem)')
  const step = run.steps.find((candidate) => candidate.name === selected)
  const panel = (shown: Step, bare: boolean) => (
    <StepPanel
      run={run}
      events={events}
      step={shown}
      onFork={onFork}
      forking={forking}
      forkError={forkError}
      bare={bare}
    />
  )
  if (run.steps.length === 0) {
    return (
      <Notice icon={<ListTree />} title={t('run.noSteps')}>
        {t('run.noStepsHint')}
      </Notice>
    )
  }
  if (!wide) {
    return (
      <div className="flex flex-col gap-6">
        <StepList
          steps={run.steps}
          selected={selected}
          onSelect={onSelect}
          renderStep={(shown) => panel(shown, true)}
        />
        <Card className="p-5">
          <RunSummary run={run} onFile={onFile} />
        </Card>
      </div>
    )
  }
  return (
    <div className="grid grid-cols-[minmax(0,1fr)_minmax(0,1fr)] items-start gap-6">
      <StepGraph
        steps={run.steps}
        selected={step?.name}
        onSelect={(name) => onSelect(name === step?.name ? undefined : name)}
      />
      <Card className="sticky top-6 max-h-[calc(100dvh-3rem)] overflow-auto p-6">
        {step ? panel(step, false) : <RunSummary run={run} onFile={onFile} />}
      </Card>
    </div>
  )
}
