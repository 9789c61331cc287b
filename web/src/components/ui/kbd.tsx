import type { ReactNode } from 'react'

export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className="rounded-md border border-line bg-surface px-1.5 py-0.5 font-sans text-[0.6875rem] leading-none font-medium text-muted">
      {children}
    </kbd>
  )
}

const MAC = /Mac|iP(hone|ad|od)/.test(navigator.platform)

/** The name of the key that goes with a letter in shortcuts. */
export const COMMAND_KEY = MAC ? '⌘' : 'Ctrl'
