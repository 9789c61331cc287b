import type { UseQueryResult } from '@tanstack/react-query'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { PackContents, PackFigures } from '@/components/memory/pack-contents'
import { InlineError } from '@/components/states/notices'
import { Card } from '@/components/ui/card'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { Select } from '@/components/ui/select'
import { SkeletonList } from '@/components/ui/skeleton'
import { formatNumber } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { BUDGETS } from '../pack'
import type { ContextPack } from '../wire'

interface Props {
  pack: UseQueryResult<ContextPack>
  budget: number
  onBudget: (budget: number) => void
}

/** What a model would be given for this query: what fits into its budget, and what does not. */
export function PackPanel({ pack, budget, onBudget }: Props) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const id = useId()
  const { data, error, isPending } = pack
  const tokens = (count: number) => t('pack.tokens', { count, tokens: formatNumber(count, language) })
  return (
    <Card className="p-4 sm:p-5" data-testid="pack">
      <section aria-labelledby={id}>
        <div className="mb-3 flex flex-wrap items-center gap-x-4 gap-y-2">
          <div className="min-w-0 flex-1 basis-56">
            <h2 id={id} className="text-[0.9375rem] font-semibold tracking-tight">
              {t('pack.title')}
            </h2>
            <p className="mt-0.5 text-xs text-muted">{t('pack.lead')}</p>
          </div>
          <Select<string>
            label={t('pack.budget')}
            value={String(budget)}
            onChange={(next) => onBudget(Number(next))}
            options={BUDGETS.map((count) => ({ value: String(count), label: tokens(count) }))}
            className="min-w-40 max-sm:flex-1"
          />
        </div>
        {isPending ? <SkeletonList rows={2} height="h-10" /> : null}
        {error ? <InlineError error={error} /> : null}
        {data ? (
          <>
            <PackFigures pack={data} />
            {isEmpty(data) ? <p className="mt-3 text-[0.8125rem] text-muted">{t('pack.empty')}</p> : null}
            <ScrollRegion labelledBy={id} className="mt-3 max-h-96 border-t border-line-soft">
              <PackContents pack={data} />
            </ScrollRegion>
          </>
        ) : null}
      </section>
    </Card>
  )
}

function isEmpty({ sections }: ContextPack): boolean {
  return sections.every(({ entries }) => entries.every(({ document_id }) => document_id === null))
}
