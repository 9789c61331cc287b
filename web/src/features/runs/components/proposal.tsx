import { Link } from '@tanstack/react-router'
import { FileText } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Criteria, PlanSteps } from '@/components/plan/plan-outline'
import { CodeBlock } from '@/components/ui/code-block'
import { Disclosure } from '@/components/ui/disclosure'
import type { Artifact, Gate, PlanStep } from '../api'
import { type ProposalPart, readProposal } from '../read-proposal'
import { RUN_VIEWS } from '../run-tabs'

interface Props {
  runId: string
  gate: Gate
  /** The files of the run, which can be looked at. */
  artifacts: readonly Artifact[]
  /** Of many steps only the titles at first. */
  brief?: boolean
}

/** What a gate is about and what will be done after it, for a person; the exact data is one click away. */
export function Proposal({ runId, gate, artifacts, brief = false }: Props) {
  const { t } = useTranslation()
  const shown = new Set(artifacts.map((artifact) => artifact.path))
  return (
    <div className="flex flex-col gap-5">
      {readProposal(gate.proposal).map((part) => (
        <ProposalSection key={`${part.kind} ${part.kind === 'text' ? part.name : ''}`} part={part}>
          {part.kind === 'files' ? (
            <ul className="flex flex-wrap gap-2">
              {part.files.map(({ path, digest }) => (
                <li key={path} title={digest} className="min-w-0 max-w-full">
                  <FileChip runId={runId} path={path} linked={shown.has(path)} />
                </li>
              ))}
            </ul>
          ) : (
            <PartContent part={part} brief={brief} />
          )}
        </ProposalSection>
      ))}
      <div>
        <Disclosure title={t('gate.data')}>
          <CodeBlock label="JSON" code={JSON.stringify(gate.proposal, null, 2)} wrap />
        </Disclosure>
        <p className="mt-1.5 truncate text-xs text-muted" title={gate.digest}>
          {t('gate.digest')} <span className="font-mono">{gate.digest}</span>
        </p>
      </div>
    </div>
  )
}

function ProposalSection({ part, children }: { part: ProposalPart; children: ReactNode }) {
  const { t } = useTranslation()
  const title = part.kind === 'text' && part.name ? part.name : t(`proposal.${part.kind}`)
  return (
    <div>
      <h4 className="mb-2 text-xs text-muted">{title}</h4>
      {children}
    </div>
  )
}

function PartContent({ part, brief }: { part: Exclude<ProposalPart, { kind: 'files' }>; brief: boolean }) {
  switch (part.kind) {
    case 'criteria':
      return <Criteria criteria={part.criteria.map((text) => ({ text }))} />
    case 'steps':
      return brief && part.steps.length > 1 ? <Titles steps={part.steps} /> : <PlanSteps steps={part.steps} />
    case 'code':
      return <CodeBlock code={part.code} language={part.language} fold="long" />
    case 'text':
      return (
        <p className="rounded-lg border border-line-soft bg-raised p-3 leading-relaxed break-words whitespace-pre-wrap">
          {part.text}
        </p>
      )
    case 'facts':
      return (
        <dl className="grid gap-x-6 gap-y-1.5 text-[0.8125rem] sm:grid-cols-[auto_minmax(0,1fr)]">
          {part.facts.map(({ name, value }) => (
            <div key={name} className="contents">
              <dt className="text-muted max-sm:mt-1">{name}</dt>
              <dd className="min-w-0 break-words">{value}</dd>
            </div>
          ))}
        </dl>
      )
  }
}

function Titles({ steps }: { steps: readonly PlanStep[] }) {
  const { t } = useTranslation()
  return (
    <>
      <ol className="flex list-decimal flex-col gap-1 pl-6 marker:text-muted">
        {steps.map((step) => (
          <li key={step.id} className="break-words">
            {step.title}
          </li>
        ))}
      </ol>
      <Disclosure title={t('proposal.whole')} className="mt-3">
        <PlanSteps steps={steps} />
      </Disclosure>
    </>
  )
}

function FileChip({ runId, path, linked }: { runId: string; path: string; linked: boolean }) {
  const look =
    'inline-flex h-8 max-w-full items-center gap-2 rounded-lg border border-line-soft px-3 text-[0.8125rem]'
  const content = (
    <>
      <FileText className="size-3.5 shrink-0 text-muted" aria-hidden="true" />
      <span className="truncate">{path}</span>
    </>
  )
  if (!linked) return <span className={`${look} text-muted`}>{content}</span>
  return (
    <Link
      to="/runs/$id"
      params={{ id: runId }}
      search={{ tab: 'files', file: path }}
      hash={RUN_VIEWS}
      className={`${look} bg-raised font-medium hover:border-slate hover:bg-sunken`}
    >
      {content}
    </Link>
  )
}
