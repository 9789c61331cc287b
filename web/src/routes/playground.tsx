import { getRouteApi, Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Page } from '@/components/states/page'
import { buttonClass } from '@/components/ui/button'
import { Playground } from '@/features/models/components/playground'

const route = getRouteApi('/playground')

export function PlaygroundRoute() {
  const { t } = useTranslation()
  const view = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Page title={t('nav.playground')} wide>
      <Playground
        view={view}
        onView={(next) => void navigate({ search: next, replace: true, resetScroll: false })}
        toProviders={
          <Link to="/settings/providers" className={buttonClass('secondary', 'sm')}>
            {t('nav.providers')}
          </Link>
        }
      />
    </Page>
  )
}
