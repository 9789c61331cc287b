import { getRouteApi, Link, Outlet, useRouterState } from '@tanstack/react-router'
import { Gauge, Plug, Server } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Page } from '@/components/states/page'
import { ClientSetup } from '@/features/models/components/client-setup'
import { LimitList } from '@/features/models/components/limit-list'
import { ProvidersView } from '@/features/models/components/providers-view'

const PARTS = [
  { to: '/settings/providers', label: 'nav.providers', Icon: Server },
  { to: '/settings/limits', label: 'nav.limits', Icon: Gauge },
  { to: '/settings/clients', label: 'nav.clients', Icon: Plug },
] as const

/** The frame of everything that is set: which part one is in, and the way to the others. */
export function SettingsRoute() {
  const { t } = useTranslation()
  const path = useRouterState({ select: (state) => state.location.pathname })
  const part = PARTS.find(({ to }) => path.startsWith(to))
  return (
    <Page title={t(part?.label ?? 'nav.settings')} eyebrow={part ? t('nav.settings') : null}>
      <nav
        aria-label={t('nav.settings')}
        className="-mt-2 mb-8 flex gap-1 overflow-x-auto border-b border-line-soft [scrollbar-width:none]"
      >
        {PARTS.map(({ to, label, Icon }) => (
          <Link
            key={to}
            to={to}
            activeOptions={{ includeSearch: false }}
            className="inline-flex items-center gap-2 rounded-t-md border-b-2 border-transparent px-3 py-2.5 font-medium whitespace-nowrap text-muted -outline-offset-2 transition-colors hover:text-ink data-[status=active]:border-focus data-[status=active]:text-ink max-sm:px-2.5 max-sm:[&_svg]:hidden [&_svg]:size-4"
          >
            <Icon aria-hidden="true" />
            {t(label)}
          </Link>
        ))}
      </nav>
      <Outlet />
    </Page>
  )
}

const providers = getRouteApi('/settings/providers')

export function ProvidersRoute() {
  const view = providers.useSearch()
  const navigate = providers.useNavigate()
  return (
    <ProvidersView
      view={view}
      onView={(next) => void navigate({ search: next, replace: true, resetScroll: false })}
    />
  )
}

export function LimitsRoute() {
  return <LimitList />
}

export function ClientsRoute() {
  return <ClientSetup origin={location.origin} />
}
