import { getRouteApi, Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Page } from '@/components/states/page'
import { buttonClass } from '@/components/ui/button'
import { UsageView } from '@/features/models/components/usage-view'

const route = getRouteApi('/usage')

export function UsageRoute() {
  const { t } = useTranslation()
  const { t: say } = useTranslation('models')
  const view = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Page title={t('nav.usage')} detail={say('usage.lead')} wide>
      <UsageView
        view={view}
        onView={(next) => void navigate({ search: next, replace: true, resetScroll: false })}
        firstAction={
          <Link to="/playground" className={buttonClass('primary')}>
            {t('nav.playground')}
          </Link>
        }
      />
    </Page>
  )
}
