import type { ComponentProps, ReactNode } from 'react'
import { cn } from '@/lib/cn'

export const CONTROL =
  'rounded-lg border border-control bg-surface text-sm text-ink transition-colors hover:border-muted disabled:opacity-50'

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input className={cn(CONTROL, 'h-10 w-full px-3', className)} {...rest} />
}

export function Textarea({ className, ...rest }: ComponentProps<'textarea'>) {
  return (
    <textarea className={cn(CONTROL, 'min-h-20 w-full px-3 py-2 leading-relaxed', className)} {...rest} />
  )
}

interface FieldProps {
  label: string
  htmlFor: string
  hint?: ReactNode
  children: ReactNode
  className?: string
}

/** A label, its control and what there is to say about it. */
export function Field({ label, htmlFor, hint, children, className }: FieldProps) {
  return (
    <div className={cn('flex flex-col gap-1.5', className)}>
      <label htmlFor={htmlFor} className="text-[0.8125rem] font-medium">
        {label}
      </label>
      {children}
      {hint ? <p className="text-xs text-muted">{hint}</p> : null}
    </div>
  )
}
