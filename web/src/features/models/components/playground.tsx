import { MessageSquareText, Send, Square, Trash2 } from 'lucide-react'
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Notice } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { COMMAND_KEY, Kbd } from '@/components/ui/kbd'
import { announce } from '@/lib/announce'
import type { Settings, Turn } from '../conversation'
import { useConversation } from '../use-conversation'
import type { PlaygroundViewState } from '../views'
import { type Knobs, PlaygroundOptions } from './playground-options'
import { TurnCard } from './turn-card'

interface Props {
  view: PlaygroundViewState
  onView: (view: PlaygroundViewState) => void
  toProviders: ReactNode
}

/** A conversation with whichever model the router chooses, and everything one may want to know about its answers. */
export function Playground({ view, onView, toProviders }: Props) {
  const { t } = useTranslation('models')
  const [knobs, setKnobs] = useState<Knobs>({ system: '', temperature: '', max_tokens: '' })
  const [question, setQuestion] = useState('')
  const field = useRef<HTMLTextAreaElement>(null)
  const end = useRef<HTMLDivElement>(null)
  const id = useId()
  const { turns, busy, ask, retry, stop, clear } = useConversation((turn) => announce(t(heard(turn))))
  const settings: Settings = {
    ...knobs,
    model: view.model ?? '',
    policy: view.policy ?? '',
    local: view.local === '1',
  }

  // A new question comes into view; while the answer grows, the page stays where the reader is.
  const count = turns.length
  useEffect(() => {
    if (count > 0) end.current?.scrollIntoView({ block: 'nearest' })
  }, [count])

  function sendQuestion() {
    if (!question.trim() || busy) return
    ask(question.trim(), settings)
    setQuestion('')
    field.current?.focus()
  }

  function keys(event: KeyboardEvent) {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      sendQuestion()
    }
  }

  return (
    <div className="grid items-start gap-8 lg:grid-cols-[minmax(0,1fr)_18rem]">
      <div className="min-w-0">
        {count === 0 ? (
          <Notice icon={<MessageSquareText />} title={t('playground.empty')}>
            {t('playground.emptyHint')}
          </Notice>
        ) : (
          <ol aria-label={t('playground.conversation')} className="mb-6 flex flex-col gap-6">
            {turns.map((turn, place) => (
              <li key={turn.id}>
                <TurnCard
                  turn={turn}
                  onRetry={place === count - 1 && !busy ? () => retry(settings) : undefined}
                />
              </li>
            ))}
          </ol>
        )}
        <div className="rounded-2xl border border-line bg-surface shadow-float transition-colors focus-within:border-slate">
          <label htmlFor={id} className="sr-only">
            {t('playground.question')}
          </label>
          <textarea
            id={id}
            ref={field}
            rows={2}
            value={question}
            onChange={(event) => setQuestion(event.target.value)}
            onKeyDown={keys}
            placeholder={t('playground.placeholder')}
            className="block field-sizing-content max-h-[40vh] min-h-20 w-full resize-none rounded-2xl bg-transparent px-5 pt-4 text-[0.9375rem] leading-relaxed outline-none"
          />
          <div className="flex items-center gap-2 p-3">
            {count > 0 ? (
              <Button variant="ghost" size="sm" onClick={clear}>
                <Trash2 /> {t('playground.clear')}
              </Button>
            ) : null}
            <span className="ml-auto hidden items-center gap-2 text-xs text-muted sm:flex">
              <Kbd>{COMMAND_KEY} ↵</Kbd> {t('playground.toSend')}
            </span>
            {busy ? (
              <Button onClick={stop} className="max-sm:ml-auto">
                <Square /> {t('playground.stop')}
              </Button>
            ) : (
              <Button
                variant="primary"
                disabled={!question.trim()}
                onClick={sendQuestion}
                className="max-sm:ml-auto"
              >
                <Send /> {t('playground.send')}
              </Button>
            )}
          </div>
        </div>
        <div ref={end} />
      </div>
      <PlaygroundOptions
        view={view}
        onView={onView}
        knobs={knobs}
        onKnobs={setKnobs}
        toProviders={toProviders}
      />
    </div>
  )
}

/** What is said to people who do not see the answer end. */
function heard(turn: Turn) {
  if (turn.state === 'failed') return 'turn.failed' as const
  return turn.state === 'stopped' ? ('turn.stopped' as const) : ('turn.isThere' as const)
}
