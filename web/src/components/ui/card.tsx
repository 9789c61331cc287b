import type { ComponentProps } from 'react'
import { cn } from '@/lib/cn'

interface Props extends ComponentProps<'div'> {
  /** What an assistant suggests and nobody has approved yet has a dashed border. */
  suggested?: boolean
}

export function Card({ suggested = false, className, ...rest }: Props) {
  return (
    <div
      className={cn(
        'rounded-xl border bg-surface',
        suggested ? 'border-dashed border-slate' : 'border-line-soft shadow-card',
        className,
      )}
      {...rest}
    />
  )
}
