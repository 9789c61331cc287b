import { Paperclip, X } from 'lucide-react'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/button'
import { formatBytes } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { type Attachment, addAttachments, MAX_ATTACHED_BYTES, readAttachment } from '../attach'

interface Props {
  files: Attachment[]
  onChange: (files: Attachment[]) => void
}

/** Files that go along with a goal and lie in its workspace when it starts. */
export function Attachments({ files, onChange }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const input = useRef<HTMLInputElement>(null)
  const [tooLarge, setTooLarge] = useState(false)

  async function add(list: FileList | null) {
    const next = addAttachments(files, await Promise.all([...(list ?? [])].map(readAttachment)))
    const fits = next.reduce((sum, file) => sum + file.size, 0) <= MAX_ATTACHED_BYTES
    setTooLarge(!fits)
    if (fits) onChange(next)
    if (input.current) input.current.value = ''
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
              onClick={() => onChange(files.filter((other) => other !== file))}
              className="grid size-8 shrink-0 place-items-center rounded-lg text-muted hover:text-ink"
            >
              <X className="size-3.5" />
            </button>
          </span>
        ))}
      </div>
      {tooLarge ? (
        <p role="alert" className="mt-2 text-[0.8125rem] text-bad">
          {t('goal.tooLarge', { size: formatBytes(MAX_ATTACHED_BYTES, language) })}
        </p>
      ) : null}
    </>
  )
}
