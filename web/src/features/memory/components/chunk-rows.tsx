import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { cn } from '@/lib/cn'
import { formatDateTime, formatNumber } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import type { ChunkRow } from '../chunk-rows'
import { placeName } from '../names'
import type { Chunk, MemoryDocument } from '../wire'

interface Props {
  rows: ChunkRow[]
  document: MemoryDocument
  /** The number of the chunk to go to. */
  chosen: string | undefined
}

/** The text on one side and its chunks on the other, each beside what it was made of. */
export function ChunkRows({ rows, document, chosen }: Props) {
  const { t } = useTranslation('memory')
  const list = useRef<HTMLOListElement>(null)
  const [top, setTop] = useState(0)
  useLayoutEffect(() => setTop(list.current?.offsetTop ?? 0), [])
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: (index) => 48 + ((rows[index]?.text ?? rows[index]?.chunk?.text ?? '').length / 80) * 22,
    overscan: 4,
    scrollMargin: top,
    scrollPaddingStart: 80,
  })
  const target = rows.findIndex(({ chunk }) => chunk && String(chunk.number) === chosen)
  // Heights are only guessed at first, and the list must know where it begins.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when there is something to go to
  useEffect(() => {
    if (target > 0 && top > 0) virtual.scrollToIndex(target, { align: 'start' })
  }, [target, top])
  return (
    <Card className="overflow-hidden">
      <ol
        ref={list}
        aria-label={t('document.chunks')}
        className="relative"
        style={{ height: virtual.getTotalSize() }}
      >
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index]
          if (!row) return null
          return (
            <li
              key={item.key}
              data-index={item.index}
              data-testid="chunk-row"
              data-chunk={row.chunk?.number}
              ref={virtual.measureElement}
              aria-setsize={rows.length}
              aria-posinset={item.index + 1}
              aria-current={item.index === target || undefined}
              className={cn(
                'absolute inset-x-0 top-0 grid border-b border-dashed border-slate md:grid-cols-[minmax(0,1fr)_15rem]',
                item.index === target && 'bg-primary-soft',
              )}
              style={{ transform: `translateY(${item.start - top}px)` }}
            >
              <RowText row={row} />
              <ChunkFacts row={row} document={document} count={document.chunks} />
            </li>
          )
        })}
      </ol>
    </Card>
  )
}

/** A stretch between chunks may be as long as the document. */
const LONGEST_GAP = 2_000

function RowText({ row: { text, chunk } }: { row: ChunkRow }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const [isWhole, setWhole] = useState(false)
  const whole = text ?? chunk?.text ?? ''
  const isCut = !chunk && !isWhole && whole.length > LONGEST_GAP
  return (
    <div
      className={cn(
        'min-w-0 px-4 py-3 text-[0.8125rem] leading-relaxed break-words whitespace-pre-wrap sm:px-5',
        !chunk && 'text-muted',
      )}
    >
      {isCut ? whole.slice(0, LONGEST_GAP) : whole.replace(/^\n+|\s+$/g, '')}
      {isCut ? (
        <>
          {'… '}
          <Button variant="ghost" size="sm" onClick={() => setWhole(true)}>
            {t('document.showRest', { number: formatNumber(whole.length - LONGEST_GAP, language) })}
          </Button>
        </>
      ) : null}
    </div>
  )
}

interface FactsProps {
  row: ChunkRow
  document: MemoryDocument
  count: number
}

function ChunkFacts({ row: { text, chunk, mayBeRead }, document, count }: FactsProps) {
  const { t } = useTranslation('memory')
  return (
    <div className="border-line-soft bg-raised px-4 py-3 text-xs text-muted max-md:order-first max-md:border-b md:border-l">
      {chunk ? (
        <>
          <p className="font-medium text-ink tabular-nums">
            {t('document.chunk', { number: chunk.ordinal + 1, count })}
          </p>
          <ChunkOrigin chunk={chunk} document={document} />
          {text === null ? <p className="mt-1 italic">{t('document.ownWords')}</p> : null}
        </>
      ) : (
        <p>{t(mayBeRead ? 'document.readAsThese' : 'document.inNoChunk')}</p>
      )}
    </div>
  )
}

function ChunkOrigin({ chunk, document }: { chunk: Chunk; document: MemoryDocument }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const time = chunk.time ?? document.time
  const facts = [
    chunk.headings.join(' › '),
    placeName(chunk.place, t),
    chunk.author ?? document.author,
    formatDateTime(time, language),
    t('size.characters', { count: chunk.text.length, number: formatNumber(chunk.text.length, language) }),
  ].filter(Boolean)
  return (
    <ul className="mt-1 flex flex-col gap-0.5 max-md:flex-row max-md:flex-wrap max-md:gap-x-3">
      {[...new Set(facts)].map((fact) => (
        <li key={fact} className="break-words tabular-nums">
          {fact}
        </li>
      ))}
    </ul>
  )
}
