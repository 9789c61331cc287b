import { Paperclip, X } from 'lucide-react'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/button'
import { formatBytes, formatNumber } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import {
  type Attachment,
  addFiles,
  MAX_ATTACHED_BYTES,
  MAX_FILES,
  type Refusal,
  readAttachment,
  refusalOf,
} from '../attach'

interface Props {
  files: Attachment[]
  onChange: (files: Attachment[]) => void
}

/** Files that go along with a goal and lie in its workspace when it starts. */
export function Attachments({ files, onChange }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const input = useRef<HTMLInputElement>(null)
  const [refusal, setRefusal] = useState<Refusal | null>(null)

  async function add(list: FileList | null) {
    const picked = [...(list ?? [])]
    if (input.current) input.current.value = ''
    const refused = refusalOf(addFiles<{ name: string; size: number }>(files, picked))
    setRefusal(refused)
    if (refused) return
    const added: Attachment[] = []
    for (const file of picked) {
      try {
        added.push(await readAttachment(file))
      } catch {
        setRefusal({ reason: 'unreadable', name: file.name })
      }
    }
    onChange(addFiles(files, added))
  }

  return (
    <>
      <div className="flex flex-wrap items-center gap-2">
        <input
          ref={input}
          type="file"
          multiple
          hidden
          aria-label={t('goal.attach')}
          onChange={(event) => void add(event.target.files)}
        />
        <Button size="sm" variant="ghost" onClick={() => input.current?.click()}>
          <Paperclip /> {t('goal.attach')}
        </Button>
        {files.map((file) => (
          <span
            key={file.name}
            className="inline-flex h-8 max-w-64 items-center gap-2 rounded-lg bg-sunken pl-3 text-[0.8125rem]"
          >
            <span className="truncate">{file.name}</span>
            <span className="shrink-0 text-xs text-muted">{formatBytes(file.size, language)}</span>
            <button
              type="button"
              aria-label={t('goal.detach', { name: file.name })}
              onClick={() => {
                setRefusal(null)
                onChange(files.filter((other) => other !== file))
              }}
              className="grid size-8 shrink-0 place-items-center rounded-lg text-muted hover:text-ink"
            >
              <X className="size-3.5" />
            </button>
          </span>
        ))}
      </div>
      {refusal ? (
        <p role="alert" className="mt-2 text-[0.8125rem] break-words text-bad">
          {refusal.reason === 'tooLarge'
            ? t('attach.tooLarge', {
                // Rounded up, so that a little too much does not read as just enough.
                size: `${formatNumber(Math.ceil(refusal.size / 1e5) / 10, language, 1)} MB`,
                limit: formatBytes(MAX_ATTACHED_BYTES, language),
              })
            : refusal.reason === 'tooMany'
              ? t('attach.tooMany', { limit: MAX_FILES })
              : t(`attach.${refusal.reason}`, { name: refusal.name })}
        </p>
      ) : null}
    </>
  )
}
