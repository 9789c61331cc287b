import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Page } from '@/components/states/page'
import { providersQuery } from '@/features/models/api'
import { SessionList } from '@/features/studio/components/session-list'
import { StudioPage } from '@/features/studio/components/studio-page'

export function StudioListRoute() {
  const { t } = useTranslation('studio')
  const navigate = useNavigate()
  return (
    <Page title={t('studio.title')} detail={t('studio.lead')} wide>
      <SessionList
        onOpen={(sessionId) => void navigate({ to: '/studio/$sessionId', params: { sessionId } })}
      />
    </Page>
  )
}

const route = getRouteApi('/studio/$sessionId')

export function StudioRoute() {
  const { t } = useTranslation('studio')
  const { sessionId } = route.useParams()
  const view = route.useSearch()
  const navigate = route.useNavigate()
  const providers = useQuery(providersQuery)
  const usable = (providers.data ?? []).filter((provider) => provider.enabled)
  return (
    <StudioPage
      key={sessionId}
      id={sessionId}
      view={view}
      onView={(next) => void navigate({ search: next, replace: true, resetScroll: false })}
      models={{
        options: usable.map(({ name, title, model }) => ({ value: name, label: `${title} · ${model}` })),
        isKnown: providers.isSuccess,
        setUp: (
          <Link
            to="/settings/providers"
            className="rounded font-medium text-link underline underline-offset-2"
          >
            {t('composer.setUp')}
          </Link>
        ),
      }}
    />
  )
}
