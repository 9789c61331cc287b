import { useQuery } from '@tanstack/react-query'
import { RefreshCw } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { ErrorState, InlineError } from '@/components/states/notices'
import { Badge, type Tone } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { Confirm } from '@/components/ui/confirm'
import { Meter } from '@/components/ui/meter'
import { SkeletonList } from '@/components/ui/skeleton'
import { announce } from '@/lib/announce'
import { formatBytes, formatNumber } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { indexQuery, isBehind, statsQuery, useReindex } from '../api'
import type { MemoryIndex } from '../wire'

const TONES: Record<MemoryIndex['state'], Tone> = { none: 'neutral', building: 'live', active: 'good' }

/** How far the indices are, and the way to have them made anew. */
export function IndexCard() {
  const { t } = useTranslation('memory')
  const index = useQuery(indexQuery)
  const reindex = useReindex()
  if (index.isPending) return <SkeletonList rows={1} height="h-32" />
  if (index.error && !index.data) {
    return <ErrorState error={index.error} onRetry={() => void index.refetch()} />
  }
  if (!index.data) return null
  const { state } = index.data
  return (
    <Card className="p-4 sm:p-5" data-testid="index" data-state={state}>
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0">
          <h2 className="flex flex-wrap items-center gap-2.5 text-[0.9375rem] font-semibold tracking-tight">
            {t('index.title')}
            <Badge tone={TONES[state]}>{t(`indexState.${state}`)}</Badge>
          </h2>
          <IndexFacts index={index.data} />
        </div>
        <Confirm
          trigger={
            <Button size="sm" disabled={reindex.isPending}>
              <RefreshCw /> {t('index.reindex')}
            </Button>
          }
          title={t('index.confirm')}
          detail={t('index.confirmDetail')}
          action={t('index.reindex')}
          keep={t('index.keep')}
          onConfirm={() => reindex.mutate(undefined, { onSuccess: () => announce(t('index.begun')) })}
        />
      </div>
      {isBehind(index.data) ? <Progress index={index.data} /> : null}
      {reindex.error ? <InlineError error={reindex.error} className="mt-4" /> : null}
    </Card>
  )
}

function IndexFacts({ index: { embedder, version, dimensions, state } }: { index: MemoryIndex }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const { data } = useQuery(statsQuery)
  const number = (value: number) => formatNumber(value, language)
  const facts = [
    state === 'none' || !embedder
      ? t('index.noVectors')
      : [
          embedder,
          version && t('index.version', { version }),
          dimensions && t('index.dimensions', { count: dimensions }),
        ]
          .filter(Boolean)
          .join(', '),
    data?.vector
      ? t('index.vectors', { count: data.vector.vectors, vectors: number(data.vector.vectors) })
      : null,
    data
      ? t('index.keywords', {
          count: data.keyword.chunks,
          chunks: number(data.keyword.chunks),
          bytes: formatBytes(data.keyword.bytes, language),
        })
      : null,
    data && data.keyword.behind > 0 ? t('index.behind', { count: data.keyword.behind }) : null,
  ].filter((fact) => fact !== null)
  return (
    <ul className="mt-1.5 flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted tabular-nums">
      {facts.map((fact) => (
        <li key={fact} className="break-words">
          {fact}
        </li>
      ))}
    </ul>
  )
}

function Progress({ index: { done, total } }: { index: MemoryIndex }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const text = t('index.progress', {
    count: total,
    done: formatNumber(done, language),
    total: formatNumber(total, language),
  })
  return (
    <div className="mt-4">
      <Meter label={t('index.making')} value={total > 0 ? done / total : null} text={text} />
      <p className="mt-1.5 text-xs text-muted tabular-nums">
        {t('index.making')} {text}
      </p>
    </div>
  )
}
