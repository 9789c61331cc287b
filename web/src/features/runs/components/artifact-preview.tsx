import { useQuery } from '@tanstack/react-query'
import { FileQuestion } from 'lucide-react'
import { lazy, Suspense, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState, Notice } from '@/components/states/notices'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { SkeletonList } from '@/components/ui/skeleton'
import { formatBytes } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { type Artifact, artifactQuery } from '../api'
import { previewKind } from '../preview-kind'
import { CsvTable } from './csv-table'

const Markdown = lazy(() => import('@/components/ui/markdown'))

/** Larger files are offered for download only. */
const MAX_TEXT_BYTES = 2_000_000
const MAX_IMAGE_BYTES = 30_000_000

interface Props {
  runId: string
  artifact: Artifact
  /** The other files of the run, which a report may show as its images. */
  siblings: readonly Artifact[]
}

export function ArtifactPreview(props: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const kind = previewKind(props.artifact)
  const limit = kind === 'image' ? MAX_IMAGE_BYTES : MAX_TEXT_BYTES
  if (kind === 'none' || props.artifact.size > limit) {
    return (
      <Notice icon={<FileQuestion />} title={t('files.noPreview')}>
        {t(kind === 'none' ? 'files.noPreviewHint' : 'files.tooLarge', {
          size: formatBytes(props.artifact.size, language),
        })}
      </Notice>
    )
  }
  if (kind === 'image') {
    return (
      <div className="grid place-items-center p-6">
        <ArtifactImage {...props} alt={props.artifact.path} />
      </div>
    )
  }
  return <TextPreview {...props} kind={kind} />
}

function TextPreview({ runId, artifact, siblings, kind }: Props & { kind: 'markdown' | 'csv' | 'text' }) {
  const blob = useQuery(artifactQuery(runId, artifact))
  const [text, setText] = useState<string | null>(null)
  useEffect(() => {
    let current = true
    void blob.data?.text().then((read) => current && setText(read))
    return () => {
      current = false
    }
  }, [blob.data])

  if (blob.error) return <ErrorState error={blob.error} onRetry={() => blob.refetch()} />
  if (text === null) {
    return (
      <div className="p-6">
        <SkeletonList rows={4} height="h-6" />
      </div>
    )
  }
  if (kind === 'csv') return <CsvTable text={text} name={artifact.path} />
  if (kind === 'markdown') {
    return (
      <Suspense fallback={<pre className="p-6 whitespace-pre-wrap">{text}</pre>}>
        <Markdown
          text={text}
          className="p-6 sm:p-8"
          renderImage={(source, alt) => {
            const image = siblings.find((other) => isSame(other.path, source, artifact.path))
            if (image && previewKind(image) === 'image') {
              return <ArtifactImage runId={runId} artifact={image} alt={alt} />
            }
            return <span className="text-muted">[{alt || source}]</span>
          }}
        />
      </Suspense>
    )
  }
  return (
    <ScrollRegion label={artifact.path} className="max-h-[75vh] p-5">
      <pre className="w-max font-mono text-[0.8125rem] leading-relaxed">{text}</pre>
    </ScrollRegion>
  )
}

/**
 * An image from its bytes by way of a blob address in an <img>. Scripts inside an SVG do not run there and
 * nothing is fetched from elsewhere.
 */
function ArtifactImage({ runId, artifact, alt }: { runId: string; artifact: Artifact; alt: string }) {
  const blob = useQuery(artifactQuery(runId, artifact))
  const [source, setSource] = useState<string | null>(null)
  useEffect(() => {
    if (!blob.data) return
    const url = URL.createObjectURL(new Blob([blob.data], { type: artifact.content_type }))
    setSource(url)
    return () => URL.revokeObjectURL(url)
  }, [blob.data, artifact.content_type])
  if (blob.error) return <ErrorState error={blob.error} onRetry={() => blob.refetch()} />
  if (!source) return <span className="block h-40 w-full animate-breathe rounded-lg bg-sunken" />
  return <img src={source} alt={alt} className="max-h-[70vh] rounded-lg bg-[#fff]" />
}

/** Whether a source in a report means this file: relative to the report or to the root of the files. */
function isSame(path: string, source: string, report: string): boolean {
  const folder = report.slice(0, report.lastIndexOf('/') + 1)
  const wanted = source.replace(/^\.\//, '')
  return path === wanted || path === folder + wanted
}
