import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { FileText, LibraryBig, ListTree, ScrollText, Sparkles } from 'lucide-react'
import { lazy, Suspense, useEffect, useMemo, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { PlanOutline } from '@/components/plan/plan-outline'
import { ErrorState, InlineError, Notice } from '@/components/states/notices'
import { Page } from '@/components/states/page'
import { buttonClass } from '@/components/ui/button'
import { SkeletonList } from '@/components/ui/skeleton'
import { Tabs } from '@/components/ui/tabs'
import { announce } from '@/lib/announce'
import { formatAgo, formatDuration } from '@/lib/format'
import { loadTexts } from '@/lib/i18n/setup'
import { useLanguage } from '@/lib/use-language'
import { useNow } from '@/lib/use-now'
import { actorName } from '../actor-name'
import { isOver, type RunDetail, runQuery, useCancelRun, useForkRun, useRetryRun } from '../api'
import { arrangeSteps } from '../arrange-steps'
import { RUN_VIEWS, type RunViewState } from '../run-tabs'
import { useRunEvents } from '../use-run-events'
import { workflowName } from '../workflow-name'
import { GateCard } from './gate-card'
import { RunErrorBox } from './run-error-box'
import { RunHeaderActions } from './run-header-actions'
import { RunSteps } from './run-steps'
import { RunStatusBadge } from './status'

const EventLog = lazy(() => import('./event-log'))
const ArtifactBrowser = lazy(() => import('./artifact-browser'))
// Its texts are those of memory, which are not on the first page.
const RunContext = lazy(async () => {
  const [part] = await Promise.all([import('./run-context'), loadTexts('memory')])
  return part
})

interface Props {
  id: string
  view: RunViewState
  onView: (view: RunViewState) => void
  onOpenRun: (id: string) => void
}

export function RunView({ id, ...rest }: Props) {
  const { t } = useTranslation()
  const run = useQuery(runQuery(id))
  const arranged = useMemo(() => run.data && { ...run.data, steps: arrangeSteps(run.data, t) }, [run.data, t])
  if (arranged) return <LoadedRun run={arranged} {...rest} />
  return (
    <Page title={t('run.title')} wide>
      {run.error ? (
        <ErrorState
          error={run.error}
          onRetry={() => run.refetch()}
          elsewhere={
            <Link to="/runs" className={buttonClass()}>
              {t('today.all')}
            </Link>
          }
        />
      ) : (
        <SkeletonList rows={5} />
      )}
    </Page>
  )
}

function LoadedRun({ run, view, onView, onOpenRun }: Omit<Props, 'id'> & { run: RunDetail }) {
  const { t } = useTranslation()
  const { events, stream } = useRunEvents(run)
  const cancel = useCancelRun(run.id)
  const retry = useRetryRun(run.id)
  const fork = useForkRun(run.id)
  const titles = useMemo(() => titlesOf(run), [run])
  useSpokenStatus(run)
  const openGates = run.gates.filter((gate) => gate.decision === null)
  const tab = view.tab ?? 'steps'
  const forkAfter = (step: string) => fork.mutate(step, { onSuccess: (forked) => onOpenRun(forked.id) })

  return (
    <Page
      title={run.title}
      wide
      eyebrow={
        <>
          <Link to="/runs" className="rounded underline decoration-line underline-offset-4 hover:text-ink">
            {t('nav.runs')}
          </Link>
          {' / '}
          {workflowName(run.workflow, t)}
        </>
      }
      detail={<Facts run={run} />}
      actions={
        <RunHeaderActions
          run={run}
          cancel={cancel}
          retry={retry}
          onFork={forkAfter}
          forking={fork.isPending}
        />
      }
    >
      {cancel.error || retry.error ? (
        <InlineError error={cancel.error ?? retry.error} className="mb-6" />
      ) : null}
      {fork.error && tab !== 'steps' ? <InlineError error={fork.error} className="mb-6" /> : null}
      {run.error ? <RunErrorBox error={run.error} className="mb-6" /> : null}
      {openGates.length > 0 ? (
        <section aria-label={t('run.gates')} className="mb-8 flex flex-col gap-4">
          <h2 className="sr-only">{t('run.gates')}</h2>
          {openGates.map((gate) => (
            <GateCard
              key={`${gate.name} ${gate.digest}`}
              runId={run.id}
              gate={gate}
              artifacts={run.artifacts}
            />
          ))}
        </section>
      ) : null}
      <div id={RUN_VIEWS} className="scroll-mt-6">
        <Tabs
          label={t('run.views')}
          value={tab}
          onChange={(next) => onView({ ...view, tab: next === 'steps' ? undefined : next })}
          items={[
            { value: 'steps', label: t('run.steps'), icon: <ListTree />, count: run.steps.length },
            { value: 'log', label: t('run.log'), icon: <ScrollText /> },
            { value: 'files', label: t('run.files'), icon: <FileText />, count: run.artifacts.length },
            { value: 'plan', label: t('run.plan'), icon: <Sparkles /> },
            { value: 'context', label: t('run.context'), icon: <LibraryBig /> },
          ]}
        >
          <h2 className="sr-only">{t(`run.${tab}`)}</h2>
          <Suspense fallback={<SkeletonList rows={4} />}>
            {tab === 'steps' ? (
              <RunSteps
                run={run}
                events={events}
                selected={view.step}
                onSelect={(step) => onView({ ...view, step })}
                onFile={(file) => onView({ ...view, tab: 'files', file })}
                onFork={forkAfter}
                forking={fork.isPending}
                forkError={fork.error}
              />
            ) : null}
            {tab === 'log' ? <EventLog events={events} stream={stream} titles={titles} /> : null}
            {tab === 'files' ? (
              <ArtifactBrowser
                runId={run.id}
                artifacts={run.artifacts}
                selected={view.file}
                onSelect={(file) => onView({ ...view, file })}
              />
            ) : null}
            {tab === 'plan' ? <PlanTab run={run} /> : null}
            {tab === 'context' ? <RunContext run={run} /> : null}
          </Suspense>
        </Tabs>
      </div>
    </Page>
  )
}

function Facts({ run }: { run: RunDetail }) {
  const { t } = useTranslation()
  const language = useLanguage()
  const now = useNow(isOver(run.status) ? 60_000 : 1_000)
  const end = run.finished_at ? Date.parse(run.finished_at) : now
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 text-[0.8125rem]">
      <RunStatusBadge status={run.status} />
      <span>{formatAgo(run.created_at, now, language)}</span>
      <span className="tabular-nums">{formatDuration(end - Date.parse(run.created_at), language)}</span>
      <span title={run.actor}>{t('run.by', { actor: actorName(run.actor, t) })}</span>
      {run.forked_from ? <RunLink id={run.forked_from} label={t('run.forkedFrom')} /> : null}
      {run.parent_id ? <RunLink id={run.parent_id} label={t('run.partOf')} /> : null}
    </div>
  )
}

/** What steps and gates are called, by the names that events use. */
function titlesOf(run: RunDetail): Map<string, string> {
  return new Map([...run.gates, ...run.steps].map(({ name, title }) => [name, title]))
}

function RunLink({ id, label }: { id: string; label: string }) {
  return (
    <Link
      to="/runs/$id"
      params={{ id }}
      className="rounded text-link underline decoration-line underline-offset-4 hover:decoration-current"
    >
      {label}
    </Link>
  )
}

function PlanTab({ run }: { run: RunDetail }) {
  const { t } = useTranslation()
  if (run.plan) return <PlanOutline plan={run.plan} />
  return (
    <Notice icon={<Sparkles />} title={t('plan.none')}>
      {t('plan.noneHint')}
    </Notice>
  )
}

/** Reads out a change of status, not the status it came with. */
function useSpokenStatus(run: RunDetail): void {
  const { t } = useTranslation()
  const before = useRef(run.status)
  useEffect(() => {
    if (before.current === run.status) return
    before.current = run.status
    announce(t('run.statusNow', { status: t(`status.${run.status}`) }))
  }, [run.status, t])
}
