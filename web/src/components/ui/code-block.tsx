import { useId } from 'react'
import { cn } from '@/lib/cn'
import { CopyButton } from './copy-button'
import { ScrollRegion } from './scroll-region'

interface Props {
  code: string
  label: string
  tone?: 'plain' | 'bad'
  /** Breaks long lines, so that all of it is seen without scrolling sideways. */
  wrap?: boolean
  className?: string
}

/** Text exactly as it is, in full; long ones scroll inside. */
export function CodeBlock({ code, label, tone = 'plain', wrap = false, className }: Props) {
  const id = useId()
  return (
    <figure className={cn('overflow-hidden rounded-lg border border-line-soft', className)}>
      <figcaption className="flex items-center justify-between gap-2 border-b border-line-soft bg-raised py-1 pr-1 pl-3 text-xs text-muted">
        <span id={id}>{label}</span>
        <CopyButton text={code} />
      </figcaption>
      <ScrollRegion labelledBy={id} className="max-h-96 bg-raised p-3">
        <pre
          className={cn(
            'font-mono text-[0.8125rem] leading-relaxed',
            wrap ? 'break-words whitespace-pre-wrap' : 'w-max',
            tone === 'bad' && 'text-bad',
          )}
        >
          {code}
        </pre>
      </ScrollRegion>
    </figure>
  )
}
