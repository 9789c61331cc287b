import { useTranslation } from 'react-i18next'
import { cn } from '@/lib/cn'

export function Skeleton({ className }: { className?: string }) {
  return <span className={cn('block animate-breathe rounded-md bg-sunken', className)} aria-hidden="true" />
}

/** Rows as a placeholder for a list that is on its way. */
export function SkeletonList({ rows = 4, height = 'h-16' }: { rows?: number; height?: string }) {
  const { t } = useTranslation()
  return (
    <div className="flex flex-col gap-3" role="status">
      <span className="sr-only">{t('state.loading')}</span>
      {Array.from({ length: rows }, (_, row) => row).map((row) => (
        <Skeleton key={row} className={cn(height, 'w-full rounded-xl')} />
      ))}
    </div>
  )
}
