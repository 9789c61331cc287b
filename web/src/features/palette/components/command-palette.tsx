import { Dialog } from '@base-ui/react/dialog'
import { Command } from 'cmdk'
import { Search } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Kbd } from '@/components/ui/kbd'

export interface PaletteItem {
  id: string
  label: string
  /** More words under which it can be found. */
  keywords?: string[]
  icon: ReactNode
  detail?: string
  run: () => void
}

export interface PaletteGroup {
  id: string
  label: string
  items: PaletteItem[]
}

interface Props {
  open: boolean
  onClose: () => void
  groups: PaletteGroup[]
}

/** Everything one can go to or do, by typing a few letters of it. */
export default function CommandPalette({ open, onClose, groups }: Props) {
  const { t } = useTranslation()
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="popup fixed top-[14vh] left-1/2 z-50 w-[min(36rem,calc(100vw-2rem))] -translate-x-1/2 overflow-hidden !rounded-2xl">
          <Dialog.Title className="sr-only">{t('palette.title')}</Dialog.Title>
          <Command label={t('palette.title')} loop>
            <div className="flex items-center gap-3 border-b border-line-soft px-4">
              <Search className="size-4 shrink-0 text-muted" aria-hidden="true" />
              <Command.Input
                autoFocus
                placeholder={t('palette.placeholder')}
                className="h-13 w-full bg-transparent text-[0.9375rem] outline-none"
              />
              <Kbd>Esc</Kbd>
            </div>
            <Command.List
              className="max-h-[min(24rem,55vh)] overflow-y-auto p-2"
              aria-label={t('palette.title')}
            >
              <Command.Empty className="px-3 py-8 text-center text-muted">{t('palette.empty')}</Command.Empty>
              {groups.map((group) => (
                <Command.Group
                  key={group.id}
                  heading={group.label}
                  className="[&_[cmdk-group-heading]]:px-3 [&_[cmdk-group-heading]]:pt-3 [&_[cmdk-group-heading]]:pb-1.5 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:font-medium [&_[cmdk-group-heading]]:text-muted"
                >
                  {group.items.map((item) => (
                    <Command.Item
                      key={item.id}
                      value={`${item.label} ${item.id}`}
                      keywords={item.keywords}
                      onSelect={() => {
                        onClose()
                        item.run()
                      }}
                      className="flex cursor-pointer items-center gap-3 rounded-lg px-3 py-2.5 data-[selected=true]:bg-sunken [&_svg]:size-4 [&_svg]:shrink-0 [&_svg]:text-muted"
                    >
                      {item.icon}
                      <span className="min-w-0 flex-1 truncate">{item.label}</span>
                      {item.detail ? (
                        <span className="shrink-0 text-xs text-muted">{item.detail}</span>
                      ) : null}
                    </Command.Item>
                  ))}
                </Command.Group>
              ))}
            </Command.List>
          </Command>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
