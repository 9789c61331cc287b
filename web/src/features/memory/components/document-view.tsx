import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState, InlineError } from '@/components/states/notices'
import { Segmented } from '@/components/ui/segmented'
import { SkeletonList } from '@/components/ui/skeleton'
import { announce } from '@/lib/announce'
import { formatDateTime, formatNumber } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { chunksQuery, useChangeDocument } from '../api'
import { chunkRows } from '../chunk-rows'
import { attributeName } from '../names'
import type { DocumentViewState } from '../views'
import { type DocumentWithText, type MemoryDocument, PRIVACY_LABELS, type PrivacyLabel } from '../wire'
import { ChunkRows } from './chunk-rows'

interface Props {
  document: DocumentWithText
  view: DocumentViewState
}

/** A document: what is known of it, and its text beside the chunks it is found by. */
export function DocumentView({ document, view }: Props) {
  const { t } = useTranslation('memory')
  const { id, text } = document
  const chunks = useQuery(chunksQuery(id))
  const rows = useMemo(() => chunks.data && chunkRows(text, chunks.data), [text, chunks.data])
  return (
    <>
      <div className="mb-6 flex flex-wrap items-start gap-x-6 gap-y-4">
        <DocumentFacts document={document} />
        <PrivacyChoice document={document} />
      </div>
      {chunks.isPending ? <SkeletonList rows={5} height="h-28" /> : null}
      {chunks.error && !chunks.data ? (
        <ErrorState error={chunks.error} onRetry={() => void chunks.refetch()} />
      ) : null}
      {rows?.length === 0 ? <p className="text-muted">{t('document.empty')}</p> : null}
      {rows && rows.length > 0 ? <ChunkRows rows={rows} document={document} chosen={view.chunk} /> : null}
    </>
  )
}

function DocumentFacts({ document }: { document: MemoryDocument }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const number = (value: number) => formatNumber(value, language)
  const { author, time, updated_at, expires_at, source, key, format, characters, chunks, attributes } =
    document
  const facts: [name: string, value: string | null][] = [
    [t('document.author'), author],
    [t('document.time'), formatDateTime(time, language)],
    [t('document.updated'), formatDateTime(updated_at, language)],
    [t('document.expires'), expires_at && formatDateTime(expires_at, language)],
    [
      t('document.size'),
      `${t('size.characters', { count: characters, number: number(characters) })}, ${t('size.chunks', { count: chunks, number: number(chunks) })}`,
    ],
    [t('document.format'), format],
    [t('document.source'), source],
    [t('document.key'), key],
    ...Object.entries(attributes).map(([name, value]): [string, string] => [attributeName(name, t), value]),
  ]
  return (
    <dl className="grid min-w-0 flex-1 basis-72 grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 text-[0.8125rem]">
      {facts.map(([name, value]) =>
        value ? (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd className="break-words">{value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  )
}

function PrivacyChoice({ document: { id, privacy } }: { document: MemoryDocument }) {
  const { t } = useTranslation('memory')
  const change = useChangeDocument(id)
  const shown = change.isPending ? (change.variables.privacy ?? privacy) : privacy
  return (
    <div className="max-w-xs">
      <Segmented<PrivacyLabel>
        label={t('privacy.label')}
        value={shown}
        onChange={(next) => {
          if (next === shown) return
          change.mutate(
            { privacy: next },
            { onSuccess: () => announce(t('privacy.changed', { label: t(`privacy.${next}`) })) },
          )
        }}
        options={PRIVACY_LABELS.map((value) => ({ value, label: t(`privacy.${value}`) }))}
      />
      <p className="mt-2 text-xs text-muted">{t(`privacy.means.${shown}`)}</p>
      {change.error ? <InlineError error={change.error} className="mt-3" /> : null}
    </div>
  )
}
