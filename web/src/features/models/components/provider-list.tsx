import { type DragEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Card } from '@/components/ui/card'
import { announce } from '@/lib/announce'
import { cn } from '@/lib/cn'
import { useChangeRouting } from '../api'
import { moveItem } from '../order'
import type { Provider, Routing } from '../wire'
import { ProviderRow, type Role } from './provider-row'

interface Props {
  /** In the order in which they are asked. */
  providers: Provider[]
  routing: Routing
  onEdit: (name: string) => void
}

/** The providers in their order. It is changed with the arrows of a row or by dragging it. */
export function ProviderList({ providers, routing, onEdit }: Props) {
  const { t } = useTranslation('models')
  const change = useChangeRouting()
  const [dragged, setDragged] = useState<number | null>(null)
  const [over, setOver] = useState<number | null>(null)
  const roles = rolesOf(providers, routing.local_only)

  function move(from: number, to: number) {
    const provider = providers[from]
    if (!provider || from === to || to < 0 || to >= providers.length) return
    const order = moveItem(providers, from, to).map((moved) => moved.name)
    change.mutate(
      { order },
      { onSuccess: () => announce(t('providers.moved', { title: provider.title, place: to + 1 })) },
    )
  }

  function drop(event: DragEvent, to: number) {
    event.preventDefault()
    if (dragged !== null) move(dragged, to)
    setDragged(null)
    setOver(null)
  }

  return (
    <>
      {change.error ? <InlineError error={change.error} className="mb-3" /> : null}
      <Card className="overflow-hidden">
        <ol className="divide-y divide-line-soft">
          {providers.map((provider, place) => (
            <li
              key={provider.name}
              aria-label={provider.title}
              onDragOver={(event) => {
                if (dragged === null) return
                event.preventDefault()
                setOver(place)
              }}
              onDrop={(event) => drop(event, place)}
              className={cn(
                'transition-colors',
                dragged === place && 'opacity-50',
                over === place && dragged !== place && 'bg-primary-soft',
              )}
            >
              <ProviderRow
                provider={provider}
                role={roles[place] ?? 'off'}
                place={place}
                count={providers.length}
                onMove={(to) => move(place, to)}
                onEdit={() => onEdit(provider.name)}
                onDrag={(active) => {
                  setDragged(active ? place : null)
                  if (!active) setOver(null)
                }}
              />
            </li>
          ))}
        </ol>
      </Card>
    </>
  )
}

/** Who is asked first, who after, and who not at all. */
function rolesOf(providers: readonly Provider[], localOnly: boolean): Role[] {
  let asked = 0
  return providers.map((provider): Role => {
    if (!provider.enabled) return 'off'
    if (localOnly && !provider.is_local) return 'kept_out'
    asked += 1
    return asked === 1 ? 'primary' : 'fallback'
  })
}
