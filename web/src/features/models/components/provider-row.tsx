import { ArrowDown, ArrowUp, ChevronDown, GripVertical } from 'lucide-react'
import { useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Badge } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { cn } from '@/lib/cn'
import type { Provider } from '../wire'
import { ProviderDetails } from './provider-details'
import { HealthBadge, PlaceMark } from './provider-health'

/** What a provider is in the order; `kept_out` if nothing may leave this machine and it is elsewhere. */
export type Role = 'primary' | 'fallback' | 'off' | 'kept_out'

interface Props {
  provider: Provider
  role: Role
  place: number
  count: number
  onMove: (to: number) => void
  onEdit: () => void
  onDrag: (active: boolean) => void
}

/** One provider: what one wants to know at a glance, and the rest on demand. */
export function ProviderRow({ provider, role, place, count, onMove, onEdit, onDrag }: Props) {
  const { t } = useTranslation('models')
  const id = useId()
  const row = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState(false)
  const { title, model, health, key } = provider
  return (
    <>
      <div
        ref={row}
        className="flex flex-wrap items-center gap-x-2 py-3.5 pr-3 pl-2 max-sm:pb-1.5 sm:flex-nowrap sm:gap-3"
      >
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the arrows do the same for the keyboard */}
        <span
          draggable
          title={t('providers.drag')}
          onDragStart={(event) => {
            event.dataTransfer.effectAllowed = 'move'
            event.dataTransfer.setData('text/plain', provider.name)
            if (row.current) event.dataTransfer.setDragImage(row.current, 16, 16)
            onDrag(true)
          }}
          onDragEnd={() => onDrag(false)}
          className="hidden cursor-grab touch-none rounded p-1 text-muted hover:bg-sunken active:cursor-grabbing sm:block"
        >
          <GripVertical className="size-4" aria-hidden="true" />
        </span>
        <div className="min-w-0 flex-1 max-sm:basis-full max-sm:pl-2">
          <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1.5">
            <h3 className={cn('font-medium break-words', role === 'off' && 'text-muted')}>{title}</h3>
            <Badge tone={role === 'primary' ? 'live' : 'neutral'}>{t(`role.${role}`)}</Badge>
            {provider.enabled ? <HealthBadge health={health} /> : null}
          </div>
          <p className="mt-1.5 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted">
            <PlaceMark isLocal={provider.is_local} />
            <span className="font-mono break-all">{model}</span>
            <span className={key.state === 'missing' ? 'font-medium text-wait' : undefined}>
              {t(`key.${key.state}`, { ending: key.ending ?? '' })}
            </span>
          </p>
        </div>
        <div className="flex shrink-0 items-center max-sm:w-full max-sm:justify-between">
          <span className="flex">
            <Button
              variant="ghost"
              size="icon"
              disabled={place === 0}
              aria-label={t('providers.up', { title })}
              onClick={() => onMove(place - 1)}
            >
              <ArrowUp />
            </Button>
            <Button
              variant="ghost"
              size="icon"
              disabled={place === count - 1}
              aria-label={t('providers.down', { title })}
              onClick={() => onMove(place + 1)}
            >
              <ArrowDown />
            </Button>
          </span>
          <Button
            variant="ghost"
            size="icon"
            aria-expanded={open}
            aria-controls={open ? id : undefined}
            aria-label={t('providers.details', { title })}
            onClick={() => setOpen(!open)}
          >
            <ChevronDown className={cn('transition-transform', open && 'rotate-180')} />
          </Button>
        </div>
      </div>
      {open ? (
        <div id={id} className="border-t border-line-soft bg-raised px-4 py-5 sm:px-6">
          <ProviderDetails provider={provider} onEdit={onEdit} />
        </div>
      ) : null}
    </>
  )
}
