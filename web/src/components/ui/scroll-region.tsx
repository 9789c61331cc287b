import type { ReactNode } from 'react'
import { cn } from '@/lib/cn'

interface Props {
  /** What it holds, for people who come to it by keyboard or screen reader. */
  label?: string
  labelledBy?: string
  className?: string
  children: ReactNode
}

/**
 * A part that scrolls on its own. It can be reached by keyboard, since otherwise it could not be scrolled. It is a
 * group and no landmark: a page may hold many that are called alike.
 */
export function ScrollRegion({ label, labelledBy, className, children }: Props) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls
    <div
      role="group"
      aria-label={label}
      aria-labelledby={labelledBy}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
      tabIndex={0}
      className={cn('overflow-auto -outline-offset-2', className)}
    >
      {children}
    </div>
  )
}
