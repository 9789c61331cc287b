import { ChevronLeft, X } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/button'
import { cn } from '@/lib/cn'
import { useUnsaved } from '../use-unsaved'

interface Props {
  id: string
  paths: readonly string[]
  file: string | undefined
  onOpen: (path: string) => void
  onClose: (path: string) => void
  /** Back to the tree, where there is room for one of them only. */
  onBack?: () => void
}

/** The files that were open lately. A dot says that something in one is not saved. */
export function RecentFiles({ id, paths, file, onOpen, onClose, onBack }: Props) {
  const { t } = useTranslation('studio')
  const unsaved = useUnsaved(id)
  if (paths.length === 0 && !onBack) return null
  return (
    <div className="flex shrink-0 items-center gap-1 border-b border-line-soft px-1.5 py-1">
      {onBack ? (
        <Button variant="ghost" size="icon" className="!size-8" aria-label={t('file.back')} onClick={onBack}>
          <ChevronLeft />
        </Button>
      ) : null}
      <ul
        aria-label={t('file.recent')}
        className="flex min-w-0 flex-1 gap-1 overflow-x-auto [scrollbar-width:none]"
      >
        {paths.map((path) => {
          const name = path.slice(path.lastIndexOf('/') + 1)
          return (
            <li
              key={path}
              className={cn(
                'flex shrink-0 items-center rounded-md text-xs',
                path === file ? 'bg-sunken' : 'text-muted hover:bg-raised',
              )}
            >
              <button
                type="button"
                title={path}
                aria-current={path === file || undefined}
                onClick={() => onOpen(path)}
                className="flex items-center gap-1.5 rounded-md py-1.5 pl-2.5 -outline-offset-2"
              >
                {unsaved.has(path) ? (
                  <span className="size-1.5 rounded-full bg-wait">
                    <span className="sr-only">{t('file.unsaved')}</span>
                  </span>
                ) : null}
                {name}
              </button>
              <button
                type="button"
                aria-label={t('file.close', { name })}
                onClick={() => onClose(path)}
                className="mx-0.5 grid size-6 place-items-center rounded hover:bg-line-soft"
              >
                <X className="size-3" aria-hidden="true" />
              </button>
            </li>
          )
        })}
      </ul>
    </div>
  )
}
