import { useQuery } from '@tanstack/react-query'
import {
  ArrowLeft,
  ArrowRight,
  ExternalLink,
  LoaderCircle,
  Monitor,
  MonitorOff,
  Play,
  RotateCw,
  Smartphone,
  Square,
  Tablet,
  TriangleAlert,
} from 'lucide-react'
import { type ReactNode, type RefObject, useEffect, useId, useLayoutEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError, Notice } from '@/components/states/notices'
import { Button, buttonClass } from '@/components/ui/button'
import { Disclosure } from '@/components/ui/disclosure'
import { Field, Input } from '@/components/ui/field'
import { Segmented } from '@/components/ui/segmented'
import { announce } from '@/lib/announce'
import { cn } from '@/lib/cn'
import { useMedia } from '@/lib/use-media'
import { stateQuery, useRestartDev, useStartDev, useStopDev } from '../api'
import { addProblem, type PreviewProblem, previewAddress, readPreviewMessage } from '../preview-messages'
import { keepStored, readStored } from '../stored'
import type { StudioSession, StudioState } from '../wire'
import { PreviewProblems } from './preview-problems'

const WIDTHS = { phone: 390, tablet: 768, full: null }
type Width = keyof typeof WIDTHS

/** These bring changes into an open page by themselves. */
const HOT = new Set(['react', 'vue', 'svelte', 'nextjs', 'next', 'vite', 'vite-react'])

interface Props {
  session: StudioSession
  problems: PreviewProblem[]
  onProblems: (change: (before: PreviewProblem[]) => PreviewProblem[]) => void
  onAsk: (text: string) => void
  onLogs: () => void
  reloads: number
}

/** The app as it runs, in a frame of an origin of its own. */
export function PreviewPanel({ session, problems, onProblems, onAsk, onLogs, reloads }: Props) {
  const { t } = useTranslation('studio')
  const id = session.sessionId
  const state = useQuery(stateQuery(id))
  const small = useMedia('(max-width: 639px)')
  const [chosen, setChosen] = useState<Width>(() => readStored<Width>('preview.width', 'full'))
  // There is no choice, and no room for one, on a phone.
  const width = small ? 'full' : chosen
  const [path, setPath] = useState('/')
  /** Where the page says it is. */
  const [where, setWhere] = useState('/')
  /** What stands in the box instead, until it is entered or given up. */
  const [typed, setTyped] = useState<string | null>(null)
  const isTyping = useRef(false)
  const [loads, setLoads] = useState(0)
  const frame = useRef<HTMLIFrameElement>(null)
  const previewUrl = usePreviewUrl(state.data?.previewUrl ?? session.previewUrl)
  const address = previewUrl ? previewAddress(previewUrl, path) : null
  const status = state.data?.status
  const isRunning = status === 'running'
  const restart = useRestartDev(id)
  const stop = useStopDev(id)

  function reload() {
    onProblems(() => [])
    setLoads((before) => before + 1)
  }

  /** The page is of another origin, so it is asked to go. */
  function travel(action: 'back' | 'forward') {
    if (!previewUrl) return
    const { origin } = new URL(previewUrl)
    frame.current?.contentWindow?.postMessage({ target: 'atelier-preview', action }, origin)
  }

  useEffect(() => {
    if (status === 'running' || status === 'failed') announce(t(`dev.announce.${status}`))
  }, [status, t])

  const framework = state.data?.snapshot.framework
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each turn that changed something
  useEffect(() => {
    if (reloads > 0 && !HOT.has(framework ?? '')) reload()
  }, [reloads])

  usePreviewMessages(frame, previewUrl, (data) => {
    const message = readPreviewMessage(data)
    if (message?.kind === 'problem') onProblems((before) => addProblem(before, message))
    if (message?.kind === 'location') {
      setWhere(message.path)
      // A page that is still loading takes nothing from under somebody's hands.
      if (!isTyping.current) setTyped(null)
    }
  })

  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex shrink-0 flex-wrap items-center gap-1.5 border-b border-line-soft px-2 py-1.5">
        <BarButton label={t('preview.back')} disabled={!isRunning} onClick={() => travel('back')}>
          <ArrowLeft />
        </BarButton>
        <BarButton label={t('preview.forward')} disabled={!isRunning} onClick={() => travel('forward')}>
          <ArrowRight />
        </BarButton>
        <BarButton label={t('preview.reload')} disabled={!isRunning} onClick={reload}>
          <RotateCw />
        </BarButton>
        <form
          className="min-w-24 flex-1"
          onSubmit={(event) => {
            event.preventDefault()
            const wanted = (typed ?? where).trim()
            const entered = wanted.startsWith('/') ? wanted : `/${wanted}`
            setPath(entered)
            setWhere(entered)
            setTyped(null)
            reload()
          }}
        >
          <Input
            aria-label={t('preview.path')}
            value={typed ?? where}
            spellCheck={false}
            autoComplete="off"
            onFocus={() => {
              isTyping.current = true
            }}
            onBlur={() => {
              isTyping.current = false
            }}
            onChange={(event) => setTyped(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Escape') setTyped(null)
            }}
            className="!h-8 rounded-full bg-raised font-mono text-xs"
          />
        </form>
        <div className="max-sm:hidden">
          <Segmented<Width>
            label={t('preview.widths')}
            value={width}
            iconsOnly
            onChange={(next) => {
              setChosen(next)
              keepStored('preview.width', next)
            }}
            options={[
              { value: 'phone', label: t('preview.phone'), icon: <Smartphone /> },
              { value: 'tablet', label: t('preview.tablet'), icon: <Tablet /> },
              { value: 'full', label: t('preview.full'), icon: <Monitor /> },
            ]}
          />
        </div>
        {isRunning ? (
          <>
            <Button
              variant="ghost"
              size="sm"
              className="max-md:hidden"
              disabled={restart.isPending}
              onClick={() => restart.mutate(undefined)}
            >
              {t('preview.restart')}
            </Button>
            <BarButton
              label={t('preview.stop')}
              disabled={stop.isPending}
              onClick={() => stop.mutate(undefined)}
            >
              <Square />
            </BarButton>
          </>
        ) : null}
        {address ? (
          <a
            href={address}
            target="_blank"
            rel="noopener noreferrer"
            aria-label={t('preview.open')}
            title={t('preview.open')}
            className={cn(buttonClass('ghost', 'icon'), '!size-8')}
          >
            <ExternalLink />
          </a>
        ) : null}
      </div>
      {restart.error || stop.error ? (
        <InlineError error={restart.error ?? stop.error} className="m-2" />
      ) : null}
      <div className="min-h-0 flex-1">
        {isRunning && address ? (
          <Fitted width={WIDTHS[width]}>
            <iframe
              key={`${address} ${loads}`}
              ref={frame}
              src={address}
              title={t('preview.frame', { name: session.name })}
              // It has an origin of its own, so what it may do there touches nothing of this page.
              sandbox="allow-scripts allow-same-origin allow-forms allow-popups allow-modals allow-downloads"
              allow="clipboard-write; fullscreen"
              className="size-full border-0 bg-white"
            />
          </Fitted>
        ) : (
          <NotRunning id={id} state={state.data} error={state.error} onAsk={onAsk} onLogs={onLogs} />
        )}
      </div>
      <PreviewProblems problems={problems} onClear={() => onProblems(() => [])} onAsk={onAsk} />
    </div>
  )
}

interface BarButtonProps {
  label: string
  disabled?: boolean
  onClick: () => void
  children: ReactNode
}

function BarButton({ label, disabled, onClick, children }: BarButtonProps) {
  return (
    <Button
      variant="ghost"
      size="icon"
      className="!size-8"
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      {children}
    </Button>
  )
}

/** Each answer carries a fresh token; the page in the frame is not loaded anew for that. */
function usePreviewUrl(url: string | null): string | null {
  const kept = useRef(url)
  const hostOf = (address: string | null) => (address ? new URL(address).host : null)
  if (hostOf(kept.current) !== hostOf(url)) kept.current = url
  return kept.current
}

function usePreviewMessages(
  frame: RefObject<HTMLIFrameElement | null>,
  previewUrl: string | null,
  onMessage: (data: unknown) => void,
): void {
  const call = useRef(onMessage)
  call.current = onMessage
  useEffect(() => {
    if (!previewUrl) return
    const { origin } = new URL(previewUrl)
    const receive = (event: MessageEvent) => {
      if (event.origin === origin && event.source === frame.current?.contentWindow) call.current(event.data)
    }
    addEventListener('message', receive)
    return () => removeEventListener('message', receive)
  }, [frame, previewUrl])
}

/** Shows a page as wide as asked for. Where there is no room, all of it is made smaller. */
function Fitted({ width, children }: { width: number | null; children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null)
  const [room, setRoom] = useState({ width: 0, height: 0 })
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    const observer = new ResizeObserver(() =>
      setRoom({ width: element.clientWidth, height: element.clientHeight }),
    )
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  const margin = width === null ? 0 : 16
  const scale = width === null || room.width === 0 ? 1 : Math.min(1, (room.width - 2 * margin) / width)
  return (
    <div ref={box} className={cn('relative size-full overflow-hidden', width !== null && 'bg-sunken')}>
      <div
        className={cn(
          'absolute',
          width === null ? 'inset-0' : 'overflow-hidden rounded-xl border border-line shadow-float',
        )}
        style={
          width === null
            ? undefined
            : {
                width,
                height: Math.max(0, (room.height - 2 * margin) / scale),
                top: margin,
                left: Math.max(margin, (room.width - width * scale) / 2),
                transform: `scale(${scale})`,
                transformOrigin: 'top left',
              }
        }
      >
        {children}
      </div>
    </div>
  )
}

interface NotRunningProps {
  id: string
  state: StudioState | undefined
  error: unknown
  onAsk: (text: string) => void
  onLogs: () => void
}

/** Why there is nothing to see yet, and what can be done about it. */
function NotRunning({ id, state, error, onAsk, onLogs }: NotRunningProps) {
  const { t } = useTranslation('studio')
  const start = useStartDev(id)
  const status = state?.status
  if (!state && error) return <InlineError error={error} className="m-4" />
  if (
    !status ||
    status === 'installing' ||
    status === 'starting' ||
    status === 'running' ||
    start.isPending
  ) {
    const text = status === 'installing' ? 'installing' : 'starting'
    return (
      <div className="grid h-full place-items-center">
        <div className="flex flex-col items-center px-6 text-center" role="status">
          <LoaderCircle className="mb-4 size-7 animate-spin text-muted" aria-hidden="true" />
          <p className="text-base font-semibold tracking-tight">{t(`preview.${text}`)}</p>
          <p className="mt-1.5 max-w-sm text-muted">{t(`preview.${text}Hint`)}</p>
          <Button variant="ghost" size="sm" className="mt-4" onClick={onLogs}>
            {t('preview.seeLogs')}
          </Button>
        </div>
      </div>
    )
  }
  const { problem } = state
  return (
    <div className="h-full overflow-y-auto">
      <Notice
        alert={status === 'failed'}
        icon={status === 'failed' ? <TriangleAlert /> : <MonitorOff />}
        title={t(status === 'failed' ? 'preview.failed' : 'preview.stopped')}
        action={
          <>
            {state.snapshot.devCommand ? (
              <Button variant="primary" onClick={() => start.mutate(null)}>
                <Play /> {t(status === 'failed' ? 'preview.startAgain' : 'preview.start')}
              </Button>
            ) : null}
            {problem ? (
              <Button onClick={() => onAsk(t('preview.askProblem', { message: problem.message }))}>
                {t('preview.askFix')}
              </Button>
            ) : null}
            <Button variant="ghost" onClick={onLogs}>
              {t('preview.seeLogs')}
            </Button>
          </>
        }
      >
        {problem ? (
          <>
            <p className="break-words text-ink">{problem.message}</p>
            {problem.hint ? <p className="mt-1 break-words">{problem.hint}</p> : null}
          </>
        ) : (
          <p>{t(state.snapshot.devCommand ? 'preview.stoppedHint' : 'preview.noCommand')}</p>
        )}
      </Notice>
      {start.error ? <InlineError error={start.error} className="mx-auto mb-4 max-w-md" /> : null}
      <div className="mx-auto max-w-md px-4 pb-8">
        <Disclosure title={t('preview.otherCommand')} open={!state.snapshot.devCommand}>
          <CommandForm state={state} onStart={(cmd, port) => start.mutate({ cmd, port })} />
        </Disclosure>
      </div>
    </div>
  )
}

function CommandForm({
  state,
  onStart,
}: {
  state: StudioState
  onStart: (cmd: string, port: number) => void
}) {
  const { t } = useTranslation('studio')
  const id = useId()
  const [command, setCommand] = useState(state.snapshot.devCommand ?? '')
  const [port, setPort] = useState(String(state.snapshot.port ?? 3000))
  return (
    <form
      className="flex flex-wrap items-end gap-3 pt-1"
      onSubmit={(event) => {
        event.preventDefault()
        onStart(command.trim(), Number(port))
      }}
    >
      <Field label={t('preview.command')} htmlFor={`${id}-command`} className="min-w-40 flex-1">
        <Input
          id={`${id}-command`}
          required
          value={command}
          spellCheck={false}
          placeholder="npm run dev"
          onChange={(event) => setCommand(event.target.value)}
          className="font-mono text-[0.8125rem]"
        />
      </Field>
      <Field label={t('preview.port')} htmlFor={`${id}-port`} className="w-24">
        <Input
          id={`${id}-port`}
          type="number"
          required
          min={1024}
          max={65535}
          value={port}
          onChange={(event) => setPort(event.target.value)}
        />
      </Field>
      <Button type="submit">
        <Play /> {t('preview.start')}
      </Button>
    </form>
  )
}
