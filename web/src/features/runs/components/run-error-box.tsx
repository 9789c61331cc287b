import { CircleX } from 'lucide-react'
import { cn } from '@/lib/cn'

interface Props {
  error: { code: string; message: string; hint?: string | null }
  className?: string
}

/** Why a run or a step failed, and what to do about it. */
export function RunErrorBox({ error, className }: Props) {
  return (
    <div className={cn('flex gap-3 rounded-lg bg-bad-soft p-4', className)}>
      <CircleX className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden="true" />
      <div className="min-w-0">
        <p className="font-medium break-words">{error.message}</p>
        {error.hint ? <p className="mt-1 break-words">{error.hint}</p> : null}
        <p className="mt-1.5 font-mono text-xs">{error.code}</p>
      </div>
    </div>
  )
}
