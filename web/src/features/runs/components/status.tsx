import {
  Ban,
  BookOpen,
  Check,
  Circle,
  CircleDashed,
  Clock,
  Code,
  FileText,
  GitFork,
  Hand,
  ListTree,
  LoaderCircle,
  type LucideIcon,
  Minus,
  NotebookPen,
  Terminal,
  Timer,
  X,
} from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Badge, type Tone } from '@/components/ui/badge'
import { cn } from '@/lib/cn'
import type { RunStatus, StepKind, StepStatus } from '../api'

interface Look {
  Icon: LucideIcon
  tone: Tone
  spins?: boolean
}

const RUN: Record<RunStatus, Look> = {
  queued: { Icon: CircleDashed, tone: 'neutral' },
  running: { Icon: LoaderCircle, tone: 'live', spins: true },
  waiting: { Icon: Clock, tone: 'neutral' },
  waiting_approval: { Icon: Hand, tone: 'wait' },
  completed: { Icon: Check, tone: 'good' },
  failed: { Icon: X, tone: 'bad' },
  cancelled: { Icon: Ban, tone: 'neutral' },
}

const STEP: Record<StepStatus, Look> = {
  pending: { Icon: Circle, tone: 'neutral' },
  running: { Icon: LoaderCircle, tone: 'live', spins: true },
  completed: { Icon: Check, tone: 'good' },
  failed: { Icon: X, tone: 'bad' },
  skipped: { Icon: Minus, tone: 'neutral' },
  waiting: { Icon: Hand, tone: 'wait' },
}

const KINDS: Record<StepKind, LucideIcon> = {
  code: Code,
  command: Terminal,
  gate: Hand,
  report: FileText,
  recall: BookOpen,
  plan: ListTree,
  timer: Timer,
  child: GitFork,
  note: NotebookPen,
  step: Circle,
}

const TEXT_TONES: Record<Tone, string> = {
  neutral: 'bg-sunken text-muted',
  live: 'bg-live-soft text-live',
  wait: 'bg-wait-soft text-wait',
  good: 'bg-good-soft text-good',
  bad: 'bg-bad-soft text-bad',
}

export function RunStatusBadge({ status }: { status: RunStatus }) {
  const { t } = useTranslation()
  const { Icon, tone, spins } = RUN[status]
  return (
    <Badge tone={tone}>
      <Icon className={cn(spins && 'animate-spin')} aria-hidden="true" />
      {t(`status.${status}`)}
    </Badge>
  )
}

export function StepStatusBadge({ status }: { status: StepStatus }) {
  const { t } = useTranslation()
  const { Icon, tone, spins } = STEP[status]
  return (
    <Badge tone={tone}>
      <Icon className={cn(spins && 'animate-spin')} aria-hidden="true" />
      {t(`stepStatus.${status}`)}
    </Badge>
  )
}

/** A round mark. Its shape tells the status as well as its colour; the word beside it is the caller's. */
export function RunStatusMark({ status }: { status: RunStatus }) {
  return <Mark look={RUN[status]} />
}

export function StepStatusMark({ status }: { status: StepStatus }) {
  return <Mark look={STEP[status]} small />
}

function Mark({ look, small = false }: { look: Look; small?: boolean }) {
  return (
    <span
      aria-hidden="true"
      className={cn(
        'grid shrink-0 place-items-center rounded-full',
        small ? 'size-6 [&_svg]:size-3.5' : 'size-9 [&_svg]:size-4',
        TEXT_TONES[look.tone],
      )}
    >
      <look.Icon className={cn(look.spins && 'animate-spin')} />
    </span>
  )
}

export function StepKindIcon({ kind, className }: { kind: StepKind; className?: string }) {
  const Icon = KINDS[kind] ?? Circle
  return <Icon className={cn('size-3.5 shrink-0', className)} aria-hidden="true" />
}
