import { useEffect, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/lib/cn'
import { canonicalLanguage, languageName } from '@/lib/code-language'
import type { Token } from '@/lib/syntax'
import { CopyButton } from './copy-button'
import { ScrollRegion } from './scroll-region'

interface Props {
  code: string
  /** What it is; for code, its language says that. */
  label?: string
  /** Colours it as code of this language. */
  language?: string | null
  tone?: 'plain' | 'bad'
  /** Breaks long lines, so that all of it is seen without scrolling sideways. */
  wrap?: boolean
  /** Shows only so much of a long text, and all of it on demand. Else it scrolls inside. */
  fold?: 'short' | 'long'
  className?: string
}

/** How many lines of a folded text are in view, and how many more are not worth folding. */
const FOLDED_LINES = { short: 4, long: 10 }
const SPARE_LINES = 3

/** Text exactly as it is. */
export function CodeBlock({ code, label, language, tone = 'plain', wrap, fold, className }: Props) {
  const { t } = useTranslation()
  const id = useId()
  const [open, setOpen] = useState(false)
  const lines = code.replace(/\n$/, '').split('\n')
  const inView = fold ? FOLDED_LINES[fold] : lines.length
  const foldable = lines.length > inView + SPARE_LINES
  const shown = foldable && !open ? lines.slice(0, inView).join('\n') : code
  return (
    <figure className={cn('min-w-0 overflow-hidden rounded-lg border border-line-soft', className)}>
      <figcaption className="flex items-center justify-between gap-2 border-b border-line-soft bg-raised py-1 pr-1 pl-3 text-xs text-muted">
        <span id={id}>{label ?? (language ? languageName(language) : t('step.code'))}</span>
        <CopyButton text={code} />
      </figcaption>
      <ScrollRegion labelledBy={id} className={cn('bg-raised p-3', !fold && 'max-h-96')}>
        <pre
          className={cn(
            'font-mono text-[0.8125rem] leading-relaxed',
            wrap ? 'break-words whitespace-pre-wrap' : 'w-max',
            tone === 'bad' && 'text-bad',
          )}
        >
          {language ? <Coloured code={shown} language={language} /> : shown}
        </pre>
      </ScrollRegion>
      {foldable ? (
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="block w-full border-t border-line-soft bg-raised px-3 py-2 text-left text-xs font-medium text-link -outline-offset-2 hover:bg-sunken"
        >
          {open ? t('action.showLess') : t('action.showLines', { count: lines.length })}
        </button>
      ) : null}
    </figure>
  )
}

/** Plain until the colours have arrived, and if they never do. */
function Coloured({ code, language }: { code: string; language: string }) {
  const [tokens, setTokens] = useState<Token[]>([])
  useEffect(() => {
    let current = true
    import('@/lib/syntax').then(
      ({ tokensOf }) => current && setTokens(tokensOf(code, canonicalLanguage(language))),
      () => {},
    )
    return () => {
      current = false
    }
  }, [code, language])
  const coloured = tokens.map((token) => token.text).join('') === code
  if (!coloured) return code
  return tokens.map((token, place) =>
    token.look === '' ? (
      token.text
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: a token is its place
      <span key={place} className={token.look}>
        {token.text}
      </span>
    ),
  )
}
