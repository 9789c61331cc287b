import { ArrowDown, WandSparkles } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState, InlineError } from '@/components/states/notices'
import { SkeletonList } from '@/components/ui/skeleton'
import { useChangeSession } from '../api'
import { keepStored, readStored } from '../stored'
import { isOver, type TurnView } from '../turn-view'
import type { Chat as ChatState } from '../use-chat'
import type { Attachment, StudioSession } from '../wire'
import { Composer, OFFLINE } from './composer'
import { TurnCard } from './turn-card'

/** Which models can be asked. */
export interface ModelChoices {
  options: { value: string; label: string }[]
  isKnown: boolean
  /** The way to where a model is set up. */
  setUp: ReactNode
}

interface Props {
  session: StudioSession
  chat: ChatState
  models: ModelChoices
  /** A text for the message box; a new number means a new one. */
  suggestion: { text: string; number: number } | null
  onOpenFile: (path: string, line?: string) => void
  onChanges: (from: string | undefined, to: string | undefined) => void
  onPreview: () => void
}

const IDEAS = ['page', 'colours', 'contact'] as const

/** The conversation with the assistant: what was said and done, and the box for what comes next. */
export function Chat(props: Props) {
  const { session, chat, models, suggestion } = props
  const { t } = useTranslation('studio')
  const id = session.sessionId
  const [text, setText] = useState(() => readStored(`${id}.draft`, ''))
  const [files, setFiles] = useState<Attachment[]>([])
  const [editing, setEditing] = useState<TurnView | null>(null)
  const change = useChangeSession(id)
  const [model, setModel] = useState(session.model ?? '')
  const chosen = model === OFFLINE || models.options.some((option) => option.value === model) ? model : ''
  const box = useRef<HTMLTextAreaElement>(null)

  function write(next: string) {
    setText(next)
    keepStored(`${id}.draft`, next === '' ? null : next)
  }

  const suggested = suggestion?.number
  // biome-ignore lint/correctness/useExhaustiveDependencies: each suggestion once
  useEffect(() => {
    if (!suggestion) return
    write(suggestion.text)
    box.current?.focus()
  }, [suggested])

  async function submit(message: string, replaces?: TurnView, attachments = files) {
    const taken = await chat.send({
      text: message,
      ...(chosen ? { model: chosen } : {}),
      ...(attachments.length > 0 ? { attachments } : {}),
      ...(replaces ? { replaces: replaces.turnId } : {}),
    })
    if (taken) setEditing(null)
    return taken
  }

  async function submitDraft() {
    const [message, attached] = [text.trim(), files]
    if (message === '' || chat.busy) return
    // The box is free at once; what is refused comes back into it.
    write('')
    setFiles([])
    if (await submit(message, editing ?? undefined, attached)) return
    write(message)
    setFiles(attached)
  }

  function edit(turn: TurnView) {
    setEditing(turn)
    write(turn.question)
    requestAnimationFrame(() => box.current?.focus())
  }

  return (
    <div className="flex h-full min-h-0 flex-col">
      <Transcript
        {...props}
        onEdit={edit}
        onRetry={(turn) => void submit(turn.question, turn, [])}
        onIdea={write}
      />
      <div className="shrink-0 px-3 pb-3 sm:px-4">
        {chat.error ? (
          <div className="mb-2">
            <InlineError error={chat.error} />
            <button
              type="button"
              className="mt-1 rounded text-xs text-link underline"
              onClick={chat.dismissError}
            >
              {t('act.dismiss')}
            </button>
          </div>
        ) : null}
        {chat.stream === 'reconnecting' && chat.busy ? (
          <p role="status" className="mb-2 text-xs text-muted">
            {t('chat.reconnecting')}
          </p>
        ) : null}
        <Composer
          ref={box}
          text={text}
          onText={write}
          files={files}
          onFiles={setFiles}
          editing={editing !== null}
          onCancelEdit={() => {
            setEditing(null)
            write('')
          }}
          busy={chat.busy}
          onSend={() => void submitDraft()}
          onStop={chat.stop}
          models={models}
          model={chosen}
          onModel={(next) => {
            setModel(next)
            change.mutate({ model: next })
          }}
        />
      </div>
    </div>
  )
}

interface TranscriptProps extends Props {
  onEdit: (turn: TurnView) => void
  onRetry: (turn: TurnView) => void
  onIdea: (text: string) => void
}

/** What was said, oldest first. It follows the end until someone scrolls up. */
function Transcript(props: TranscriptProps) {
  const { session, chat, onEdit, onRetry, onIdea, onOpenFile, onChanges, onPreview } = props
  const { t } = useTranslation('studio')
  const scroll = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const following = useRef(true)
  const place = useRef(0)
  const [away, setAway] = useState(false)
  const { turns } = chat

  useEffect(() => {
    const [outer, inner] = [scroll.current, content.current]
    if (!outer || !inner) return
    const observer = new ResizeObserver(() => {
      if (following.current) outer.scrollTop = outer.scrollHeight
    })
    observer.observe(inner)
    observer.observe(outer)
    return () => observer.disconnect()
  }, [])

  // A new question is always shown, wherever one was reading.
  const count = turns.length
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever there is one more
  useEffect(() => toEnd(), [count])

  function toEnd() {
    following.current = true
    setAway(false)
    if (scroll.current) scroll.current.scrollTop = scroll.current.scrollHeight
  }

  function scrolled() {
    const element = scroll.current
    if (!element) return
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 40
    // Only a person scrolls up; that there is more below may just have arrived.
    if (atEnd) following.current = true
    else if (element.scrollTop < place.current - 1) following.current = false
    place.current = element.scrollTop
    setAway(!following.current)
  }

  return (
    <div className="relative min-h-0 flex-1">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls */}
      <div
        ref={scroll}
        role="group"
        aria-label={t('chat.transcript')}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={scrolled}
        className="h-full overflow-y-auto px-3 py-5 -outline-offset-2 sm:px-4"
      >
        <div ref={content} className="flex min-h-full flex-col gap-7">
          {chat.isLoading ? <SkeletonList rows={3} /> : null}
          {chat.loadError ? <ErrorState error={chat.loadError} onRetry={chat.reload} /> : null}
          {!chat.isLoading && !chat.loadError && turns.length === 0 ? <Beginning onIdea={onIdea} /> : null}
          {turns.map((turn, at) => (
            <TurnCard
              key={turn.startedAt + turn.question}
              session={session}
              turn={turn}
              isLast={at === turns.length - 1}
              next={turns[at + 1]?.checkpoint ?? undefined}
              canChange={!chat.busy}
              onDecide={(answer) => chat.decide(turn.turnId, answer)}
              onEdit={() => onEdit(turn)}
              onRetry={isOver(turn) ? () => onRetry(turn) : undefined}
              onOpenFile={onOpenFile}
              onChanges={onChanges}
              onPreview={onPreview}
            />
          ))}
        </div>
      </div>
      {away ? (
        <button
          type="button"
          onClick={toEnd}
          aria-label={t('chat.toEnd')}
          title={t('chat.toEnd')}
          className="absolute right-4 bottom-3 grid size-9 animate-rise place-items-center rounded-full border border-line bg-glass shadow-float backdrop-blur-xl"
        >
          <ArrowDown className="size-4" aria-hidden="true" />
        </button>
      ) : null}
    </div>
  )
}

function Beginning({ onIdea }: { onIdea: (text: string) => void }) {
  const { t } = useTranslation('studio')
  return (
    <div className="m-auto flex max-w-sm flex-col items-center py-8 text-center">
      <span className="mb-4 grid size-12 place-items-center rounded-full bg-primary-soft" aria-hidden="true">
        <WandSparkles className="size-5" />
      </span>
      <h2 className="text-base font-semibold tracking-tight">{t('chat.empty')}</h2>
      <p className="mt-2 text-muted">{t('chat.emptyHint')}</p>
      <div className="mt-5 flex flex-col gap-2 self-stretch">
        {IDEAS.map((idea) => (
          <button
            key={idea}
            type="button"
            onClick={() => onIdea(t(`idea.${idea}`))}
            className="rounded-lg border border-dashed border-line bg-surface px-3 py-2 text-left text-[0.8125rem] transition-colors hover:border-slate"
          >
            {t(`idea.${idea}`)}
          </button>
        ))}
      </div>
    </div>
  )
}
