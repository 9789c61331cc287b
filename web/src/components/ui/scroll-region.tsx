import type { ReactNode } from 'react'
import { cn } from '@/lib/cn'

interface Props {
  /** What it holds, for people who come to it by keyboard or screen reader. */
  label?: string
  labelledBy?: string
  className?: string
  children: ReactNode
}

/** A region that scrolls on its own. It can be reached by keyboard, since otherwise it could not be scrolled. */
export function ScrollRegion({ label, labelledBy, className, children }: Props) {
  return (
    <section
      aria-label={label}
      aria-labelledby={labelledBy}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
      tabIndex={0}
      className={cn('overflow-auto -outline-offset-2', className)}
    >
      {children}
    </section>
  )
}
