import { Bot, CircleStop, LoaderCircle, RotateCcw } from 'lucide-react'
import { lazy, Suspense, useDeferredValue } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Badge } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { CopyButton } from '@/components/ui/copy-button'
import { Disclosure } from '@/components/ui/disclosure'
import { formatDuration, formatNumber, formatUsd } from '@/lib/format'
import { ApiError } from '@/lib/problem'
import { useLanguage } from '@/lib/use-language'
import type { Turn } from '../conversation'
import type { Inference } from '../infer'
import { splitThinking } from '../thinking'

const Markdown = lazy(() => import('@/components/ui/markdown'))

interface Props {
  turn: Turn
  /** Asks the same once more; only the last question can be. */
  onRetry?: () => void
}

/** A question and its answer as far as it has come: who answered, what it took, and what went wrong on the way. */
export function TurnCard({ turn, onRetry }: Props) {
  const { t } = useTranslation('models')
  // Drawing long Markdown anew for each word would hold up the page; it may lag behind a little.
  const text = useDeferredValue(turn.text)
  const parted = splitThinking(text)
  const thinking = turn.thinking || parted.thinking
  const answering = turn.state === 'answering'
  return (
    <>
      <div className="ml-auto w-fit max-w-[85%] rounded-2xl rounded-br-md bg-primary-soft px-4 py-2.5">
        <p className="sr-only">{t('turn.you')}</p>
        <p className="break-words whitespace-pre-wrap">{turn.question}</p>
      </div>
      <Card className="mt-3 p-4 sm:p-6" data-testid="answer" data-state={turn.state} aria-busy={answering}>
        {thinking ? (
          <Disclosure title={t(parted.answer ? 'turn.thoughts' : 'turn.thinking')} className="mb-4">
            <p className="border-l-2 border-line pl-4 text-[0.8125rem] break-words whitespace-pre-wrap text-muted">
              {thinking}
            </p>
          </Disclosure>
        ) : null}
        {parted.answer ? (
          <Suspense fallback={<p className="break-words whitespace-pre-wrap">{parted.answer}</p>}>
            <Markdown
              text={parted.answer}
              renderImage={(source, alt) => <span className="text-muted">[{alt || source}]</span>}
            />
          </Suspense>
        ) : answering ? (
          <p className="flex items-center gap-2 text-muted">
            <LoaderCircle className="size-4 animate-spin" aria-hidden="true" />
            {t(thinking ? 'turn.thinking' : 'turn.waiting')}
          </p>
        ) : turn.state === 'failed' ? null : (
          <p className="text-muted">{t('turn.silent')}</p>
        )}
        {turn.state === 'failed' ? (
          <InlineError
            error={errorOf(turn.error, t('turn.brokeOff'))}
            className={text ? 'mt-4' : undefined}
          />
        ) : null}
        {answering ? null : <Footer turn={turn} answer={parted.answer} onRetry={onRetry} />}
        {turn.done && turn.done.attempts.length > 1 ? <Attempts done={turn.done} /> : null}
      </Card>
    </>
  )
}

function Footer({ turn, answer, onRetry }: { turn: Turn; answer: string; onRetry?: () => void }) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const { done } = turn
  const facts = done
    ? [
        t('turn.tokens', {
          in: formatNumber(done.usage.tokens_in, language),
          out: formatNumber(done.usage.tokens_out, language),
        }) + (done.usage.estimated ? ` ${t('turn.estimated')}` : ''),
        done.usage.usd > 0 ? formatUsd(done.usage.usd, language) : t('turn.noCost'),
        turn.first_word_ms === null
          ? null
          : t('turn.firstWord', { time: formatDuration(turn.first_word_ms, language) }),
        t('turn.whole', { time: formatDuration(turn.whole_ms ?? done.latency_ms, language) }),
        done.finish_reason === 'stop' ? null : t('turn.ended', { reason: done.finish_reason }),
      ].filter((fact) => fact !== null)
    : []
  return (
    <div className="mt-5 flex flex-wrap items-center gap-x-4 gap-y-2 border-t border-line-soft pt-3 text-xs text-muted">
      {done ? (
        <span className="inline-flex items-center gap-1.5 font-medium text-ink">
          <Bot className="size-3.5" aria-hidden="true" />
          {done.provider} · <span className="font-mono font-normal">{done.model}</span>
        </span>
      ) : null}
      {turn.state === 'stopped' ? (
        <Badge>
          <CircleStop aria-hidden="true" /> {t('turn.stopped')}
        </Badge>
      ) : null}
      {facts.map((fact) => (
        <span key={fact} className="tabular-nums">
          {fact}
        </span>
      ))}
      <span className="ml-auto flex items-center">
        {onRetry ? (
          <Button variant="ghost" size="sm" onClick={onRetry}>
            <RotateCcw /> {t('turn.retry')}
          </Button>
        ) : null}
        {answer ? <CopyButton text={answer} /> : null}
      </span>
    </div>
  )
}

/** Everybody who was asked, where it was more than one. */
function Attempts({ done }: { done: Inference }) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  return (
    <div className="mt-3 text-xs text-muted">
      <p className="mb-1 font-medium text-ink">{t('turn.attempts', { count: done.attempts.length })}</p>
      <ol className="flex flex-col gap-1">
        {done.attempts.map((attempt, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an attempt is its place
          <li key={place} className="flex flex-wrap gap-x-3">
            <span>
              {place + 1}. {attempt.provider} · <span className="font-mono">{attempt.model}</span>
            </span>
            <span className={attempt.error ? 'text-bad' : 'text-good'}>
              {attempt.error ? attempt.error : t('attempt.answered')}
            </span>
            <span className="tabular-nums">{formatDuration(attempt.latency_ms, language)}</span>
          </li>
        ))}
      </ol>
    </div>
  )
}

/** A stream that ended without its end says so in words. */
function errorOf(error: unknown, brokeOff: string): unknown {
  if (error instanceof ApiError && error.code === 'stream_broke_off') {
    return new ApiError(error.status, { code: error.code, detail: brokeOff })
  }
  return error
}
