import { getRouteApi } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Page } from '@/components/states/page'
import { CodeRunner } from '@/features/code/components/code-runner'

const route = getRouteApi('/code')

export function CodeRoute() {
  const { t } = useTranslation()
  const view = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Page title={t('nav.code')} detail={t('code.lead')} wide>
      <CodeRunner
        view={view}
        onView={(next) => void navigate({ search: next, replace: true, resetScroll: false })}
      />
    </Page>
  )
}
