import { Download, FileCode, FileText, FolderOpen, Image, Table2 } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Notice } from '@/components/states/notices'
import { buttonClass } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { cn } from '@/lib/cn'
import { formatBytes } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { type Artifact, artifactUrl } from '../api'
import { previewKind } from '../preview-kind'
import { ArtifactPreview } from './artifact-preview'

interface Props {
  runId: string
  artifacts: readonly Artifact[]
  selected: string | undefined
  onSelect: (path: string) => void
}

/** The files a run made, and the chosen one to look at. Without a choice it is the report, if there is one. */
export default function ArtifactBrowser({ runId, artifacts, selected, onSelect }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const shown =
    artifacts.find((artifact) => artifact.path === selected) ??
    artifacts.find((artifact) => previewKind(artifact) === 'markdown') ??
    artifacts[0]
  if (!shown) {
    return (
      <Notice icon={<FolderOpen />} title={t('files.none')}>
        {t('files.noneHint')}
      </Notice>
    )
  }
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[16rem_minmax(0,1fr)]">
      <ul className="flex flex-col gap-0.5">
        {artifacts.map((artifact) => (
          <li key={artifact.path}>
            <button
              type="button"
              aria-pressed={artifact.path === shown.path}
              onClick={() => onSelect(artifact.path)}
              className={cn(
                'flex w-full items-center gap-3 rounded-lg px-3 py-2 text-left transition-colors',
                artifact.path === shown.path ? 'bg-surface shadow-card' : 'hover:bg-sunken',
              )}
            >
              <FileIcon artifact={artifact} />
              <span className="min-w-0 flex-1">
                <span className="block truncate font-medium">{artifact.path}</span>
                <span className="block text-xs text-muted">
                  {formatBytes(artifact.size, language)} · {artifact.content_type.split(';')[0]}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      <Card className="min-w-0 overflow-hidden">
        <div className="flex items-center justify-between gap-3 border-b border-line-soft py-2 pr-2 pl-5">
          <h3 className="truncate font-medium">{shown.path}</h3>
          <a
            href={artifactUrl(runId, shown.path)}
            download={fileName(shown.path)}
            className={buttonClass('ghost', 'sm')}
          >
            <Download aria-hidden="true" /> {t('files.download')}
          </a>
        </div>
        <ArtifactPreview key={shown.digest} runId={runId} artifact={shown} siblings={artifacts} />
      </Card>
    </div>
  )
}

function FileIcon({ artifact }: { artifact: Artifact }) {
  const kind = previewKind(artifact)
  const Icon = kind === 'image' ? Image : kind === 'csv' ? Table2 : kind === 'markdown' ? FileText : FileCode
  return <Icon className="size-4 shrink-0 text-muted" aria-hidden="true" />
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
