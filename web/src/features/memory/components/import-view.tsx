import { useQuery, useQueryClient } from '@tanstack/react-query'
import { FileUp } from 'lucide-react'
import {
  type DragEvent,
  type ReactNode,
  useEffect,
  useId,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import { useTranslation } from 'react-i18next'
import { Section } from '@/components/states/page'
import { Button } from '@/components/ui/button'
import { Field, Input } from '@/components/ui/field'
import { Segmented } from '@/components/ui/segmented'
import { cn } from '@/lib/cn'
import { collectionsQuery, IMPORT_KINDS, type ImportKind, importFile, refreshMemory } from '../api'
import { ACCEPTED_FILES, collectionNameOf } from '../import-files'
import { isOver, UploadQueue } from '../upload-queue'
import { PRIVACY_LABELS, type PrivacyLabel } from '../wire'
import { ExportLinks } from './export-links'
import { UploadList } from './upload-list'

// Beside the page, so that files go on being sent while one looks at something else.
const queue = new UploadQueue(importFile)
const cancel = (id: number) => queue.cancel(id)
const retry = (id: number) => queue.retry(id)
const clear = () => queue.clear()

/** Brings files into memory, and takes out what it holds. */
export function ImportView({ collection: given }: { collection: string | undefined }) {
  const { t } = useTranslation('memory')
  const id = useId()
  const client = useQueryClient()
  const uploads = useSyncExternalStore(queue.subscribe, queue.current)
  const collections = useQuery(collectionsQuery)
  const [collection, setCollection] = useState(given ?? '')
  const [privacy, setPrivacy] = useState<PrivacyLabel>('shareable')
  const [kind, setKind] = useState<ImportKind>('documents')
  const over = uploads.filter(isOver).length
  // What was taken is seen everywhere else at once.
  useEffect(() => {
    if (over > 0) void refreshMemory(client)
  }, [over, client])
  return (
    <>
      <div className="mb-5 grid gap-5 sm:grid-cols-2">
        <Field
          label={t('importing.collection')}
          htmlFor={id}
          hint={t(kind === 'archive' ? 'importing.collectionOfArchive' : 'importing.collectionHint')}
        >
          <Input
            id={id}
            list={`${id}-known`}
            value={collection}
            maxLength={64}
            spellCheck={false}
            autoCapitalize="none"
            onChange={(event) => setCollection(collectionNameOf(event.target.value))}
          />
          <datalist id={`${id}-known`}>
            {(collections.data ?? []).map(({ name }) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </Field>
        <div className="flex flex-col items-start gap-3">
          <Choice label={t('importing.kind')} hint={t(`importing.means.${kind}`)}>
            <Segmented<ImportKind>
              label={t('importing.kind')}
              value={kind}
              onChange={setKind}
              options={IMPORT_KINDS.map((value) => ({ value, label: t(`importing.kinds.${value}`) }))}
            />
          </Choice>
          <Choice label={t('privacy.label')} hint={t(`privacy.means.${privacy}`)}>
            <Segmented<PrivacyLabel>
              label={t('privacy.label')}
              value={privacy}
              onChange={setPrivacy}
              options={PRIVACY_LABELS.map((value) => ({ value, label: t(`privacy.${value}`) }))}
            />
          </Choice>
        </div>
      </div>
      <DropZone onFiles={(files) => queue.add(files, { kind, collection, privacy })} />
      <UploadList uploads={uploads} onCancel={cancel} onRetry={retry} onClear={clear} />
      <Section title={t('exporting.title')}>
        <ExportLinks collections={(collections.data ?? []).map(({ name }) => name)} />
      </Section>
    </>
  )
}

interface ChoiceProps {
  label: string
  hint: string
  children: ReactNode
}

function Choice({ label, hint, children }: ChoiceProps) {
  return (
    <div>
      <p className="mb-1.5 text-[0.8125rem] font-medium" aria-hidden="true">
        {label}
      </p>
      {children}
      <p className="mt-1.5 text-xs text-muted">{hint}</p>
    </div>
  )
}

/** Files are dropped here, or chosen. */
function DropZone({ onFiles }: { onFiles: (files: File[]) => void }) {
  const { t } = useTranslation('memory')
  const input = useRef<HTMLInputElement>(null)
  const [isOver, setOver] = useState(false)

  function dragged(event: DragEvent, over: boolean) {
    if (!event.dataTransfer.types.includes('Files')) return
    event.preventDefault()
    setOver(over)
  }

  function dropped(event: DragEvent) {
    event.preventDefault()
    setOver(false)
    // A folder is among the files with no content that could be read.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry())
    onFiles([...event.dataTransfer.files].filter((_, at) => !entries[at]?.isDirectory))
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: by keyboard, files are chosen with the button inside
    <div
      data-testid="drop-zone"
      onDragEnter={(event) => dragged(event, true)}
      onDragOver={(event) => dragged(event, true)}
      onDragLeave={(event) =>
        dragged(event, event.currentTarget.contains(event.relatedTarget as Node | null))
      }
      onDrop={dropped}
      className={cn(
        'flex flex-col items-center rounded-xl border border-dashed px-4 py-10 text-center transition-colors',
        isOver ? 'border-focus bg-primary-soft' : 'border-slate bg-surface',
      )}
    >
      <FileUp className="mb-3 size-6 text-muted" aria-hidden="true" />
      <p className="font-medium">{t('importing.drop')}</p>
      <p className="mt-1 max-w-lg text-xs text-muted">{t('importing.formats')}</p>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        accept={ACCEPTED_FILES}
        aria-label={t('importing.choose')}
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])])
          event.target.value = ''
        }}
      />
      <Button variant="primary" className="mt-4" onClick={() => input.current?.click()}>
        {t('importing.choose')}
      </Button>
    </div>
  )
}
