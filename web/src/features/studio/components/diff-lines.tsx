import { Fragment, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { cn } from '@/lib/cn'
import { type DiffLine, type Hunk, pairsOf } from '../line-diff'

interface Props {
  hunks: readonly Hunk[]
  label: string
  caption?: string
  layout: 'unified' | 'split'
  /** Without a frame and heading of its own. */
  bare?: boolean
}

/** More lines than this are drawn on demand only. */
const MOST_LINES = 600

const LOOK = {
  same: '',
  added: 'bg-good-soft',
  removed: 'bg-bad-soft',
}
const SIGN = { same: ' ', added: '+', removed: '−' }

/** The lines of a difference, one under the other or side by side. */
export function DiffLines({ hunks, label, caption, layout, bare = false }: Props) {
  const { t } = useTranslation('studio')
  const id = useId()
  const [all, setAll] = useState(false)
  const total = hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0)
  const shown = all ? hunks : firstLines(hunks, MOST_LINES)
  const lines = (
    <ScrollRegion
      label={bare ? label : undefined}
      labelledBy={bare ? undefined : id}
      className={cn('font-mono text-xs leading-5', !bare && 'max-h-96')}
    >
      {total === 0 ? <p className="p-3 font-sans text-muted">{t('diff.same')}</p> : null}
      <table className={cn('min-w-full border-collapse', layout === 'split' && 'table-fixed')}>
        <caption className="sr-only">{t('diff.caption', { path: label })}</caption>
        <tbody>
          {shown.map((hunk, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a hunk is its place
            <Fragment key={at}>
              {at > 0 || hunk.heading ? (
                <tr className="bg-raised text-muted select-none">
                  <td colSpan={4} className="truncate px-3 py-0.5">
                    ⋯ {hunk.heading}
                  </td>
                </tr>
              ) : null}
              {layout === 'split'
                ? pairsOf(hunk.lines).map((pair) => (
                    <tr key={`${pair.left?.old ?? '-'} ${pair.right?.new ?? '-'}`}>
                      <Side line={pair.left} number={pair.left?.old ?? null} />
                      <Side line={pair.right} number={pair.right?.new ?? null} />
                    </tr>
                  ))
                : hunk.lines.map((line) => (
                    <Line key={`${line.old ?? '-'} ${line.new ?? '-'}`} line={line} />
                  ))}
            </Fragment>
          ))}
        </tbody>
      </table>
      {shown !== hunks ? (
        <button
          type="button"
          onClick={() => setAll(true)}
          className="m-2 rounded px-2 py-1 font-sans text-xs font-medium text-link underline"
        >
          {t('diff.all', { count: total })}
        </button>
      ) : null}
    </ScrollRegion>
  )
  if (bare) return lines
  return (
    <figure className="min-w-0 overflow-hidden rounded-lg border border-line-soft">
      <figcaption className="flex justify-between gap-3 border-b border-line-soft bg-raised px-3 py-1.5 text-xs text-muted">
        <span id={id} className="min-w-0 truncate font-mono">
          {label}
        </span>
        {caption}
      </figcaption>
      {lines}
    </figure>
  )
}

function Line({ line }: { line: DiffLine }) {
  return (
    <tr className={LOOK[line.kind]}>
      <LineNumber value={line.old} />
      <LineNumber value={line.new} />
      <td className="w-4 px-1 text-center text-muted select-none">
        <Sign kind={line.kind} />
      </td>
      <td className="pr-3 whitespace-pre">{line.text || ' '}</td>
    </tr>
  )
}

function Side({ line, number }: { line: DiffLine | null; number: number | null }) {
  return (
    <>
      <LineNumber value={number} className={line ? LOOK[line.kind] : 'bg-raised'} />
      <td
        className={cn('px-2 align-top break-all whitespace-pre-wrap', line ? LOOK[line.kind] : 'bg-raised')}
      >
        {line && line.kind !== 'same' ? (
          <span className="sr-only">
            <Sign kind={line.kind} />
          </span>
        ) : null}
        {line?.text}
      </td>
    </>
  )
}

function LineNumber({ value, className }: { value: number | null; className?: string }) {
  return (
    <td
      className={cn('w-11 min-w-11 px-2 text-right align-top text-muted tabular-nums select-none', className)}
    >
      {value}
    </td>
  )
}

function Sign({ kind }: { kind: DiffLine['kind'] }) {
  const { t } = useTranslation('studio')
  if (kind === 'same') return null
  return (
    <>
      <span aria-hidden="true">{SIGN[kind]}</span>
      <span className="sr-only">{t(`diff.${kind}`)}</span>
    </>
  )
}

function firstLines(hunks: readonly Hunk[], most: number): readonly Hunk[] {
  const total = hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0)
  if (total <= most) return hunks
  let left = most
  return hunks.flatMap((hunk) => {
    if (left <= 0) return []
    const lines = hunk.lines.slice(0, left)
    left -= lines.length
    return [{ ...hunk, lines }]
  })
}
