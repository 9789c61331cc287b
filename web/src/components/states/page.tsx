import { type ReactNode, useEffect } from 'react'
import { cn } from '@/lib/cn'

interface Props {
  title: string
  /** Above the title: where one is, or the date. */
  eyebrow?: ReactNode
  detail?: ReactNode
  actions?: ReactNode
  wide?: boolean
  children: ReactNode
}

/** A page: its title for people and for the window, and a column that leaves room to breathe. */
export function Page({ title, eyebrow, detail, actions, wide = false, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Atelier`
  }, [title])
  return (
    <div className={cn('mx-auto w-full px-4 pt-6 pb-24 sm:px-8 sm:pt-12', wide ? 'max-w-7xl' : 'max-w-4xl')}>
      <header className="mb-8 flex flex-wrap items-end justify-between gap-x-6 gap-y-4">
        <div className="min-w-0 flex-1 basis-72">
          {eyebrow ? <div className="mb-1.5 text-[0.8125rem] text-muted">{eyebrow}</div> : null}
          <h1
            tabIndex={-1}
            className="text-[1.75rem] leading-tight font-semibold tracking-[-0.035em] break-words sm:text-[2rem]"
          >
            {title}
          </h1>
          {detail ? <div className="mt-2 text-muted">{detail}</div> : null}
        </div>
        {actions ? <div className="flex flex-wrap gap-2">{actions}</div> : null}
      </header>
      {children}
    </div>
  )
}

/** A part of a page with its own small heading. */
export function Section({
  title,
  aside,
  children,
  className,
}: {
  title: string
  aside?: ReactNode
  children: ReactNode
  className?: string
}) {
  return (
    <section className={cn('mt-10', className)}>
      <div className="mb-3 flex flex-wrap items-baseline justify-between gap-x-4 gap-y-2">
        <h2 className="text-[0.9375rem] font-semibold tracking-tight">{title}</h2>
        {aside ? <div className="text-[0.8125rem] text-muted">{aside}</div> : null}
      </div>
      {children}
    </section>
  )
}
