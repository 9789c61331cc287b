import type { ReactNode } from 'react'
import { cn } from '@/lib/cn'

interface Props<T extends string> {
  label: string
  value: T
  options: { value: T; label: string; icon?: ReactNode }[]
  onChange: (value: T) => void
  /** Shows only the icons; the words stay for screen readers and as a tooltip. */
  iconsOnly?: boolean
}

/** A choice among two or three that are all in view. */
export function Segmented<T extends string>({
  label,
  value,
  options,
  onChange,
  iconsOnly = false,
}: Props<T>) {
  return (
    <fieldset className="inline-flex rounded-lg bg-sunken p-0.5" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          title={iconsOnly ? option.label : undefined}
          onClick={() => onChange(option.value)}
          className={cn(
            'inline-flex h-7 items-center gap-1.5 rounded-md px-2.5 text-xs font-medium transition-colors [&_svg]:size-3.5',
            option.value === value ? 'bg-thumb text-ink shadow-card' : 'text-muted hover:text-ink',
          )}
        >
          {option.icon}
          <span className={iconsOnly ? 'sr-only' : undefined}>{option.label}</span>
        </button>
      ))}
    </fieldset>
  )
}
