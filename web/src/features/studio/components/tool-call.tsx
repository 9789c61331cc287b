import {
  Bookmark,
  Check,
  ChevronRight,
  CircleDot,
  FilePen,
  FolderSearch,
  Globe,
  LoaderCircle,
  type LucideIcon,
  Package,
  Play,
  Plug,
  Square,
  Terminal,
  X,
} from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { CodeBlock } from '@/components/ui/code-block'
import { cn } from '@/lib/cn'
import { syntaxOf } from '../file-language'
import { type CallPart, commandLine } from '../turn-view'
import type { ToolUse } from '../wire'

interface Props {
  call: CallPart
  isRunning: boolean
  onOpenFile: (path: string, line?: string) => void
}

/** One thing the assistant did: what in a line, and all of it when unfolded. */
export function ToolCall({ call, isRunning, onOpenFile }: Props) {
  const { t } = useTranslation('studio')
  const titleOf = useCallTitle()
  const { verb, target, Icon } = titleOf(call, isRunning)
  const { decision } = call.gate ?? {}
  // What a turn had not come to when it ended has no result either.
  const skipped = decision === 'skip' || decision === 'reject' || (!isRunning && call.result === null)
  const failed = call.result?.isError === true && !skipped
  return (
    <details
      className="group/call min-w-0 rounded-lg border border-line-soft bg-surface"
      data-testid="tool-call"
      data-tool={call.name}
      open={failed || undefined}
    >
      <summary className="flex list-none items-center gap-2.5 rounded-lg px-3 py-2 text-[0.8125rem] hover:bg-raised [&::-webkit-details-marker]:hidden">
        <Icon className="size-4 shrink-0 text-muted" aria-hidden="true" />
        <span className="min-w-0 flex-1 truncate">
          {verb} {target ? <span className="font-mono text-xs">{target}</span> : null}
        </span>
        <CallState isRunning={isRunning} failed={failed} skipped={skipped} waits={call.gate !== null} />
        <ChevronRight
          className="size-3.5 shrink-0 text-muted transition-transform group-open/call:rotate-90"
          aria-hidden="true"
        />
      </summary>
      <div className="flex flex-col gap-2.5 border-t border-line-soft p-3">
        <CallContent call={call} onOpenFile={onOpenFile} />
        {call.gate?.decision ? (
          <p className="text-xs text-muted">
            {t(`ask.decided.${call.gate.decision}`)}
            {call.gate.feedback ? `: ${call.gate.feedback}` : ''}
          </p>
        ) : null}
        {call.result?.text ? (
          <CodeBlock
            code={call.result.text}
            label={t(failed ? 'call.error' : 'call.result')}
            tone={failed ? 'bad' : 'plain'}
            fold="long"
            wrap
          />
        ) : null}
      </div>
    </details>
  )
}

function CallState(props: { isRunning: boolean; failed: boolean; skipped: boolean; waits: boolean }) {
  const { isRunning, failed, skipped, waits } = props
  const { t } = useTranslation('studio')
  const [Icon, text, tone]: [LucideIcon, string, string] = skipped
    ? [Square, t('call.skipped'), 'text-muted']
    : failed
      ? [X, t('call.failed'), 'text-bad']
      : isRunning
        ? [
            waits ? CircleDot : LoaderCircle,
            t('call.running'),
            waits ? 'text-wait' : 'animate-spin text-live',
          ]
        : [Check, t('call.done'), 'text-good']
  return (
    <>
      <Icon className={cn('size-4 shrink-0', tone)} aria-hidden="true" />
      <span className="sr-only">{text}</span>
    </>
  )
}

function CallContent({ call, onOpenFile }: Pick<Props, 'call' | 'onOpenFile'>) {
  const { t } = useTranslation('studio')
  const { use } = call
  switch (use?.kind) {
    case 'write':
      return (
        <>
          <button
            type="button"
            onClick={() => onOpenFile(use.path)}
            className="self-start rounded text-xs font-medium text-link underline underline-offset-4"
          >
            {t('call.open', { path: use.path })}
          </button>
          <CodeBlock code={use.content} label={use.path} language={syntaxOf(use.path)} fold="long" />
        </>
      )
    case 'run':
      return <CodeBlock code={commandLine(use.argv)} label={use.folder || undefined} language="shell" wrap />
    case 'start_dev':
      return <CodeBlock code={use.command} language="shell" wrap />
    case 'fetch':
      return <p className="font-mono text-xs break-all">{use.url}</p>
    case 'look':
    case 'connector':
      return <Facts given={use.arguments} />
    default:
      return <Facts given={call.arguments} />
  }
}

/** The arguments of a call that has no look of its own. */
function Facts({ given }: { given: unknown }) {
  const facts = typeof given === 'object' && given !== null ? Object.entries(given) : []
  if (facts.length === 0) return null
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-0.5 text-xs">
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="min-w-0 font-mono break-words">
            {typeof value === 'string' ? value : JSON.stringify(value)}
          </dd>
        </div>
      ))}
    </dl>
  )
}

const ICONS: Record<ToolUse['kind'], LucideIcon> = {
  look: FolderSearch,
  write: FilePen,
  run: Terminal,
  start_dev: Play,
  stop_dev: Square,
  fetch: Globe,
  checkpoint: Bookmark,
  connector: Plug,
}

/** What a call is about in a few words, as done or as being done. */
export function useCallTitle() {
  const { t } = useTranslation('studio')
  return (call: CallPart, isRunning: boolean) => {
    const { use } = call
    const doing = isRunning ? 'doing' : 'did'
    const verb = verbOf(use) ?? 'other'
    const target = use ? targetOf(use) : call.name
    const words = doing === 'doing' ? t(`doing.${verb}`) : t(`did.${verb}`)
    const Icon = use === null ? CircleDot : use.kind === 'run' && use.installs ? Package : ICONS[use.kind]
    return { verb: words, target, Icon, text: target ? `${words} ${target}` : words }
  }
}

function verbOf(use: ToolUse | null) {
  if (use === null) return null
  if (use.kind === 'run' && use.installs) return 'install'
  if (use.kind !== 'look') return use.kind
  return use.tool === 'fs_read' ? 'read' : use.tool === 'fs_search' ? 'search' : 'list'
}

function targetOf(use: ToolUse): string {
  switch (use.kind) {
    case 'write':
      return use.path
    case 'run':
      return commandLine(use.argv).split('\n')[0] ?? ''
    case 'start_dev':
      return use.command
    case 'fetch':
      return use.url
    case 'checkpoint':
      return use.label
    case 'connector':
      return `${use.server}: ${use.tool}`
    case 'stop_dev':
      return ''
    case 'look': {
      const given = (use.arguments ?? {}) as Record<string, unknown>
      const about = [given.path, given.dir, given.query, given.q, given.pattern].find(
        (value) => typeof value === 'string',
      )
      return typeof about === 'string' ? about : ''
    }
  }
}
