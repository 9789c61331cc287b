import { Trash2 } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/button'
import { Confirm } from '@/components/ui/confirm'
import { useDeleteDocument } from '../held'
import { titleOf } from '../names'
import type { MemoryDocument } from '../wire'

interface Props {
  document: MemoryDocument
  /** The document's own page is left with it. */
  onDeleted?: () => void
}

/** Deletes a document, once it was asked for twice and not taken back. */
export function DeleteDocument({ document, onDeleted }: Props) {
  const { t } = useTranslation('memory')
  const remove = useDeleteDocument()
  const title = titleOf(document)
  return (
    <Confirm
      trigger={
        <Button variant="ghost" size="icon" aria-label={t('remove.of', { title })} title={t('remove.action')}>
          <Trash2 />
        </Button>
      }
      title={t('remove.title', { title })}
      detail={t('remove.detail')}
      action={t('remove.action')}
      keep={t('remove.keep')}
      onConfirm={() => {
        remove({ id: document.id, title })
        onDeleted?.()
      }}
    />
  )
}
