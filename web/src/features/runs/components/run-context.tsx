import { useQuery } from '@tanstack/react-query'
import { LibraryBig } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { PackContents, PackFigures } from '@/components/memory/pack-contents'
import { ErrorState, Notice } from '@/components/states/notices'
import { Card } from '@/components/ui/card'
import { SkeletonList } from '@/components/ui/skeleton'
import { isOver, type Run, runContextQuery } from '../api'

/** What memory knew, as this run's models were told. It is asked for when it is looked at. */
export default function RunContext({ run: { id, status } }: { run: Run }) {
  const { t } = useTranslation('memory')
  const { data: pack, error, refetch } = useQuery(runContextQuery(id))
  if (pack === undefined) {
    return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <SkeletonList rows={3} />
  }
  if (pack === null) {
    return (
      <Notice icon={<LibraryBig />} title={t('given.none')}>
        {t(isOver(status) ? 'given.noneHint' : 'given.noneYet')}
      </Notice>
    )
  }
  return (
    <Card className="p-4 sm:p-5" data-testid="run-context">
      <p className="text-[0.8125rem] text-muted">{t('given.lead')}</p>
      {pack.query ? (
        <p className="mt-2 mb-4 text-[0.8125rem] break-words whitespace-pre-wrap">
          <span className="text-muted">{t('given.query')}</span> {pack.query}
        </p>
      ) : null}
      <PackFigures pack={pack} />
      <PackContents pack={pack} />
    </Card>
  )
}
