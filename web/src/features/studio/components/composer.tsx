import { ArrowUp, Paperclip, Pencil, Square, X } from 'lucide-react'
import { type DragEvent, type KeyboardEvent, type Ref, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/button'
import { Select } from '@/components/ui/select'
import { cn } from '@/lib/cn'
import { formatBytes } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { attachFiles, MAX_BYTES, MAX_FILES, type Refusal } from '../attach'
import type { Attachment } from '../wire'
import type { ModelChoices } from './chat'

/** By this name the template's recipes answer, without a model. */
export const OFFLINE = 'offline'

interface Props {
  ref: Ref<HTMLTextAreaElement>
  text: string
  onText: (text: string) => void
  files: Attachment[]
  onFiles: (files: Attachment[]) => void
  /** An earlier message is being written anew. */
  editing: boolean
  onCancelEdit: () => void
  busy: boolean
  onSend: () => void
  onStop: () => void
  models: ModelChoices
  model: string
  onModel: (model: string) => void
}

/** The box for a message. Enter sends it; files can be dropped on it. */
export function Composer(props: Props) {
  const { ref, text, onText, files, onFiles, editing, onCancelEdit, busy, onSend, onStop } = props
  const { t } = useTranslation('studio')
  const language = useLanguage()
  const id = useId()
  const picker = useRef<HTMLInputElement>(null)
  const [over, setOver] = useState(false)
  const [refusal, setRefusal] = useState<Refusal | null>(null)

  async function attach(list: FileList | null) {
    const result = await attachFiles(files, [...(list ?? [])])
    if (Array.isArray(result)) onFiles(result)
    setRefusal(Array.isArray(result) ? null : result)
    if (picker.current) picker.current.value = ''
  }

  function keys(event: KeyboardEvent) {
    if (event.key === 'Escape') {
      if (busy) onStop()
      else if (editing) onCancelEdit()
      return
    }
    // While an input method is at work, Enter belongs to it.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    onSend()
  }

  const drop = {
    onDragOver(event: DragEvent) {
      event.preventDefault()
      setOver(true)
    },
    onDragLeave: () => setOver(false),
    onDrop(event: DragEvent) {
      event.preventDefault()
      setOver(false)
      void attach(event.dataTransfer.files)
    },
  }

  return (
    <div
      {...drop}
      className={cn(
        'rounded-2xl border bg-surface shadow-card transition-colors focus-within:border-slate',
        over ? 'border-dashed border-focus bg-primary-soft' : 'border-line',
      )}
    >
      {editing ? (
        <div className="flex items-start gap-2 border-b border-line-soft px-3.5 py-2 text-xs text-muted">
          <Pencil className="mt-0.5 size-3.5 shrink-0" aria-hidden="true" />
          <span className="flex-1">{t('composer.editing')}</span>
          <button type="button" className="rounded font-medium text-link underline" onClick={onCancelEdit}>
            {t('act.cancel')}
          </button>
        </div>
      ) : null}
      <label htmlFor={id} className="sr-only">
        {t('composer.label')}
      </label>
      <textarea
        ref={ref}
        id={id}
        data-composer
        rows={2}
        value={text}
        placeholder={t(over ? 'composer.drop' : 'composer.placeholder')}
        onChange={(event) => onText(event.target.value)}
        onKeyDown={keys}
        className="block field-sizing-content max-h-60 min-h-16 w-full resize-none bg-transparent px-4 pt-3 pb-1 leading-relaxed outline-none"
      />
      {files.length > 0 ? (
        <ul className="flex flex-wrap gap-1.5 px-3.5 pt-1">
          {files.map((file) => (
            <li
              key={file.name}
              className="flex max-w-full items-center gap-1.5 rounded-md bg-sunken py-0.5 pr-0.5 pl-2 text-xs"
            >
              <span className="truncate">{file.name}</span>
              <button
                type="button"
                aria-label={t('composer.detach', { name: file.name })}
                onClick={() => onFiles(files.filter((other) => other !== file))}
                className="grid size-6 place-items-center rounded hover:bg-line-soft"
              >
                <X className="size-3" aria-hidden="true" />
              </button>
            </li>
          ))}
        </ul>
      ) : null}
      {refusal ? (
        <p role="alert" className="px-4 pt-1 text-xs text-bad">
          {refusal.reason === 'tooMany'
            ? t('composer.tooMany', { limit: MAX_FILES })
            : refusal.reason === 'notText'
              ? t('composer.notText', { name: refusal.name })
              : t('composer.tooLarge', { name: refusal.name, limit: formatBytes(MAX_BYTES, language) })}
        </p>
      ) : null}
      <div className="flex items-center gap-1.5 p-2">
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          data-testid="attach-input"
          onChange={(event) => void attach(event.target.files)}
        />
        <Button
          variant="ghost"
          size="icon"
          aria-label={t('composer.attach')}
          title={t('composer.attach')}
          onClick={() => picker.current?.click()}
        >
          <Paperclip />
        </Button>
        <ModelPicker {...props} />
        <span className="flex-1" />
        {busy ? (
          <Button variant="secondary" size="sm" onClick={onStop} title={t('composer.stopHint')}>
            <Square className="!size-3 fill-current" aria-hidden="true" /> {t('composer.stop')}
          </Button>
        ) : (
          <Button
            variant="primary"
            size="icon"
            aria-label={t('composer.send')}
            title={t('composer.send')}
            disabled={text.trim() === ''}
            onClick={onSend}
          >
            <ArrowUp />
          </Button>
        )}
      </div>
    </div>
  )
}

/** Who is asked. Without any model the assistant's own recipes answer, and it says so. */
function ModelPicker({ models, model, onModel }: Pick<Props, 'models' | 'model' | 'onModel'>) {
  const { t } = useTranslation('studio')
  if (!models.isKnown) return null
  if (models.options.length === 0) {
    return (
      <p className="min-w-0 text-xs leading-snug text-muted">
        {t('composer.noModel')} {models.setUp}
      </p>
    )
  }
  return (
    <Select<string>
      label={t('composer.model')}
      value={model}
      options={[
        { value: '', label: t('composer.modelAuto') },
        ...models.options,
        { value: OFFLINE, label: t('composer.offline') },
      ]}
      onChange={onModel}
      className="!h-8 min-w-0 shrink border-transparent bg-transparent !px-2 text-xs text-muted"
    />
  )
}
