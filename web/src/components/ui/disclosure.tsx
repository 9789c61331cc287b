import { ChevronRight } from 'lucide-react'
import type { ReactNode } from 'react'
import { cn } from '@/lib/cn'

interface Props {
  title: string
  /** Open from the beginning. */
  open?: boolean
  className?: string
  children: ReactNode
}

/** Something that only some people need, behind its name. */
export function Disclosure({ title, open = false, className, children }: Props) {
  return (
    <details className={cn('group', className)} open={open || undefined}>
      <summary className="inline-flex list-none items-center gap-1.5 rounded text-[0.8125rem] text-muted hover:text-ink [&::-webkit-details-marker]:hidden">
        <ChevronRight className="size-3.5 transition-transform group-open:rotate-90" aria-hidden="true" />
        {title}
      </summary>
      <div className="mt-2">{children}</div>
    </details>
  )
}
