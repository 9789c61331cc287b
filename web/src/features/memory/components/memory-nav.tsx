import { Link } from '@tanstack/react-router'
import { LibraryBig, NotebookPen, Search, Upload } from 'lucide-react'
import { useTranslation } from 'react-i18next'

const PARTS = [
  { to: '/memory', label: 'memory.search', Icon: Search, exact: true },
  { to: '/memory/collections', label: 'memory.collections', Icon: LibraryBig, exact: false },
  { to: '/memory/log', label: 'memory.logs', Icon: NotebookPen, exact: false },
  { to: '/memory/import', label: 'memory.import', Icon: Upload, exact: false },
] as const

/** The rooms of memory. */
export function MemoryNav() {
  const { t } = useTranslation('memory')
  return (
    <nav
      aria-label={t('memory.title')}
      className="-mt-2 mb-6 flex gap-1 overflow-x-auto border-b border-line-soft [scrollbar-width:none]"
    >
      {PARTS.map(({ to, label, Icon, exact }) => (
        <Link
          key={to}
          to={to}
          activeOptions={{ exact, includeSearch: false }}
          className="inline-flex items-center gap-2 rounded-t-md border-b-2 border-transparent px-3 py-2.5 font-medium whitespace-nowrap text-muted -outline-offset-2 transition-colors hover:text-ink data-[status=active]:border-focus data-[status=active]:text-ink max-sm:px-2.5 max-sm:[&_svg]:hidden [&_svg]:size-4"
        >
          <Icon aria-hidden="true" />
          {t(label)}
        </Link>
      ))}
    </nav>
  )
}
