import { cn } from '@/lib/cn'

/** Atelier's mark and name. */
export function Wordmark({ className }: { className?: string }) {
  return (
    <span className={cn('flex items-center gap-2.5', className)}>
      <svg viewBox="0 0 32 32" className="size-7 shrink-0" aria-hidden="true">
        <rect width="32" height="32" rx="9" className="fill-primary" />
        <path
          d="M9.5 23.5 16 8.5l6.5 15"
          fill="none"
          className="stroke-primary-ink"
          strokeWidth="2.8"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
        <circle cx="16" cy="19.6" r="2" className="fill-primary-ink" />
      </svg>
      <span className="text-[1.0625rem] font-semibold tracking-[-0.035em]">Atelier</span>
    </span>
  )
}
