import { useTranslation } from 'react-i18next'
import { Card } from '@/components/ui/card'
import { useHeldDeletes } from '../held'
import { isThere } from '../held-deletes'
import type { Movement } from '../movement'
import type { Packed } from '../pack'
import type { Scale } from '../score-bar'
import type { SearchHit } from '../wire'
import { HitRow } from './hit-row'

interface Props {
  hits: SearchHit[]
  scale: Scale
  moves: Map<number, Movement> | null
  packed: Map<number, Packed>
  explained: string | undefined
  onExplain: (chunk: string, open: boolean) => void
}

export function HitList({ hits, scale, moves, packed, explained, onExplain }: Props) {
  const { t } = useTranslation('memory')
  const held = useHeldDeletes()
  return (
    <Card className="overflow-hidden">
      <ol data-hits aria-label={t('find.hits')} className="divide-y divide-line-soft">
        {hits.map((hit, place) =>
          isThere(held, hit.document_id) ? (
            <HitRow
              key={hit.chunk}
              hit={hit}
              rank={place + 1}
              scale={scale}
              movement={moves?.get(hit.chunk)}
              packed={packed.get(hit.chunk)}
              isOpen={explained === String(hit.chunk)}
              onExplain={(open) => onExplain(String(hit.chunk), open)}
            />
          ) : null,
        )}
      </ol>
    </Card>
  )
}
