import { cn } from '@/lib/cn'

const TONES = { good: 'bg-good', live: 'bg-live', wait: 'bg-wait', bad: 'bg-bad' }

interface Props {
  label: string
  /** From 0 to 1; null while it is not known how much there is to come. */
  value: number | null
  /** The value in words. */
  text: string
  tone?: keyof typeof TONES
}

/** How much of something is done or used. */
export function Meter({ label, value, text, tone = 'live' }: Props) {
  const share = value === null ? null : Math.min(1, Math.max(0, value))
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share === null ? undefined : Math.round(share * 100)}
      aria-valuetext={text}
      className="h-2 w-full overflow-hidden rounded-full bg-sunken"
    >
      <div
        className={cn(
          'h-full rounded-full transition-[width]',
          TONES[tone],
          share === null && 'animate-breathe',
        )}
        style={{ width: `${share === null ? 100 : share * 100}%` }}
      />
    </div>
  )
}
