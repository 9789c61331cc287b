import { Link, useRouterState } from '@tanstack/react-router'
import {
  Blocks,
  ChartColumn,
  Command,
  Ellipsis,
  House,
  LibraryBig,
  ListTree,
  MessageSquareText,
  Plus,
  Settings,
  SquareTerminal,
} from 'lucide-react'
import { type ReactNode, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { COMMAND_KEY, Kbd } from '@/components/ui/kbd'
import { Wordmark } from '@/components/ui/wordmark'
import { LiveRegion } from './live-region'
import { LanguageSwitch, ThemeSwitch } from './preferences'

const ROOMS = [
  { to: '/', label: 'nav.today', Icon: House, exact: true },
  { to: '/new', label: 'nav.new', Icon: Plus, exact: false },
  { to: '/runs', label: 'nav.runs', Icon: ListTree, exact: false },
  { to: '/studio', label: 'nav.studio', Icon: Blocks, exact: false },
  { to: '/memory', label: 'nav.memory', Icon: LibraryBig, exact: false },
  { to: '/code', label: 'nav.code', Icon: SquareTerminal, exact: false },
  { to: '/playground', label: 'nav.playground', Icon: MessageSquareText, exact: false },
  { to: '/usage', label: 'nav.usage', Icon: ChartColumn, exact: false },
  { to: '/settings', label: 'nav.settings', Icon: Settings, exact: false },
] as const

/** How many rooms have a place of their own at the foot of a narrow screen. */
const AT_THE_FOOT = 3

interface Props {
  version: string
  waiting: number
  onPalette: () => void
  children: ReactNode
}

/** The frame around every room: where to go, how it looks, and a way past all that for the keyboard. */
export function AppShell({ version, waiting, onPalette, children }: Props) {
  const { t } = useTranslation()
  const main = useRef<HTMLElement>(null)
  useFocusOnNavigation(main)
  // A session of the Studio needs the width: there the rooms are signs only.
  const slim = useRouterState({ select: (state) => /^\/studio\/./.test(state.location.pathname) })
  return (
    <div data-slim={slim || undefined} className="group/shell min-h-dvh lg:pl-60 lg:data-slim:pl-16">
      <a
        href="#main"
        className="fixed top-3 left-3 z-50 -translate-y-24 rounded-lg bg-primary px-4 py-2 font-medium text-primary-ink shadow-float focus:translate-y-0"
      >
        {t('nav.skip')}
      </a>
      <aside className="fixed inset-y-0 left-0 hidden w-60 flex-col group-data-slim/shell:w-16 border-r border-line-soft px-3 py-5 lg:flex">
        <Link to="/" className="mb-6 rounded-lg px-2">
          <Wordmark className="group-data-slim/shell:[&>span]:sr-only" />
        </Link>
        <button
          type="button"
          onClick={onPalette}
          className="mb-5 flex h-9 items-center gap-2 rounded-lg border border-line bg-surface px-3 text-[0.8125rem] text-muted transition-colors hover:border-slate"
        >
          <Command className="size-3.5" aria-hidden="true" />
          <span className="flex-1 text-left group-data-slim/shell:sr-only">{t('nav.palette')}</span>
          {slim ? null : <Kbd>{COMMAND_KEY} K</Kbd>}
        </button>
        <nav aria-label={t('nav.label')} className="flex flex-col gap-0.5">
          {ROOMS.map((room) => (
            <Link
              key={room.to}
              to={room.to}
              activeOptions={{ exact: room.exact, includeSearch: false }}
              title={slim ? t(room.label) : undefined}
              className="relative flex h-9 items-center gap-3 rounded-lg px-3 font-medium text-muted transition-colors hover:bg-sunken hover:text-ink data-[status=active]:bg-surface dark:data-[status=active]:bg-sunken data-[status=active]:text-ink data-[status=active]:shadow-card"
            >
              <room.Icon className="size-4 shrink-0" aria-hidden="true" />
              <span className="group-data-slim/shell:sr-only">{t(room.label)}</span>
              {room.to === '/' && waiting > 0 ? (
                <WaitingCount
                  count={waiting}
                  className="ml-auto group-data-slim/shell:absolute group-data-slim/shell:right-0"
                />
              ) : null}
            </Link>
          ))}
        </nav>
        <div className="mt-auto flex flex-col gap-3 px-1 group-data-slim/shell:hidden">
          <div className="flex items-center justify-between">
            <ThemeSwitch />
            <LanguageSwitch />
          </div>
          <p className="px-1 text-xs text-muted">Atelier {version}</p>
        </div>
      </aside>
      <header className="sticky top-0 z-30 flex items-center justify-between gap-2 border-b border-line-soft bg-canvas px-4 py-2 lg:hidden">
        <Link to="/" className="rounded-lg" aria-label="Atelier">
          <Wordmark className="max-[26rem]:[&>span]:hidden" />
        </Link>
        <div className="flex items-center gap-2">
          <LanguageSwitch />
          <ThemeSwitch />
          <button
            type="button"
            onClick={onPalette}
            aria-label={t('nav.palette')}
            className="grid size-9 place-items-center rounded-lg text-muted hover:bg-sunken hover:text-ink"
          >
            <Command className="size-4" />
          </button>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1} className="outline-none max-lg:pb-16">
        {children}
      </main>
      <nav
        aria-label={t('nav.label')}
        className="fixed inset-x-0 bottom-0 z-30 flex justify-around border-t border-line-soft bg-canvas px-2 pb-[env(safe-area-inset-bottom)] lg:hidden"
      >
        {ROOMS.slice(0, AT_THE_FOOT).map((room) => (
          <Link
            key={room.to}
            to={room.to}
            activeOptions={{ exact: room.exact, includeSearch: false }}
            className="relative flex min-w-16 flex-col items-center gap-1 rounded-lg px-2 py-2 text-[0.6875rem] font-medium text-muted data-[status=active]:text-ink"
          >
            <room.Icon className="size-5" aria-hidden="true" />
            {t(room.label)}
            {room.to === '/' && waiting > 0 ? (
              <WaitingCount count={waiting} className="absolute top-1 right-2" />
            ) : null}
          </Link>
        ))}
        <MoreRooms />
      </nav>
      <LiveRegion />
    </div>
  )
}

/** The rooms that have no place at the foot, in a menu of the browser's own. */
function MoreRooms() {
  const { t } = useTranslation()
  const menu = useRef<HTMLDivElement>(null)
  return (
    <>
      <button
        type="button"
        popoverTarget="more-rooms"
        className="flex min-w-16 flex-col items-center gap-1 rounded-lg px-2 py-2 text-[0.6875rem] font-medium text-muted"
      >
        <Ellipsis className="size-5" aria-hidden="true" />
        {t('nav.more')}
      </button>
      <div
        ref={menu}
        id="more-rooms"
        popover="auto"
        className="popup fixed inset-auto right-2 bottom-16 m-0 min-w-48 p-1"
      >
        {ROOMS.slice(AT_THE_FOOT).map((room) => (
          <Link
            key={room.to}
            to={room.to}
            onClick={() => menu.current?.hidePopover()}
            className="flex h-11 items-center gap-3 rounded-md px-3 font-medium text-muted hover:bg-sunken data-[status=active]:text-ink"
          >
            <room.Icon className="size-4" aria-hidden="true" />
            {t(room.label)}
          </Link>
        ))}
      </div>
    </>
  )
}

function WaitingCount({ count, className }: { count: number; className: string }) {
  const { t } = useTranslation()
  return (
    <span
      className={`${className} grid h-5 min-w-5 place-items-center rounded-full bg-primary px-1.5 text-xs font-semibold text-primary-ink tabular-nums`}
    >
      <span aria-hidden="true">{count}</span>
      <span className="sr-only">{t('nav.waiting', { count })}</span>
    </span>
  )
}

/** After a change of page the focus goes to its title, so that it is read out and the keyboard starts there. */
function useFocusOnNavigation(main: React.RefObject<HTMLElement | null>): void {
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname })
  const first = useRef<string | undefined>(undefined)
  useEffect(() => {
    if (path === undefined) return
    if (first.current === undefined || first.current === path) {
      first.current = path
      return
    }
    first.current = path
    const title = main.current?.querySelector<HTMLElement>('h1')
    const target = title ?? main.current
    target?.focus({ preventScroll: true })
  }, [path, main])
}
