import { Tabs as Base } from '@base-ui/react/tabs'
import type { ReactNode } from 'react'

export interface TabItem<T extends string> {
  value: T
  label: string
  icon: ReactNode
  count?: number
}

interface Props<T extends string> {
  label: string
  value: T
  items: TabItem<T>[]
  onChange: (value: T) => void
  /** What the chosen tab shows. */
  children: ReactNode
}

export function Tabs<T extends string>({ label, value, items, onChange, children }: Props<T>) {
  return (
    <Base.Root value={value} onValueChange={(next) => onChange(next as T)}>
      <Base.List
        aria-label={label}
        className="flex gap-1 overflow-x-auto border-b border-line-soft [scrollbar-width:none]"
      >
        {items.map((item) => (
          <Base.Tab
            key={item.value}
            value={item.value}
            className="inline-flex items-center gap-2 rounded-t-md border-b-2 border-transparent px-3 py-2.5 text-sm font-medium whitespace-nowrap text-muted transition-colors -outline-offset-2 hover:text-ink data-[active]:border-focus data-[active]:text-ink max-sm:px-2.5 max-sm:[&_svg]:hidden [&_svg]:size-4"
          >
            {item.icon}
            {item.label}
            {item.count === undefined ? null : (
              <span className="rounded-full bg-sunken px-1.5 text-xs text-muted tabular-nums">
                {item.count}
              </span>
            )}
          </Base.Tab>
        ))}
      </Base.List>
      <Base.Panel value={value} className="pt-6 outline-offset-4">
        {children}
      </Base.Panel>
    </Base.Root>
  )
}
