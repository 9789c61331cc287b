import { getRouteApi, Link } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Page } from '@/components/states/page'
import { buttonClass } from '@/components/ui/button'
import { RunList } from '@/features/runs/components/run-list'

const route = getRouteApi('/runs')

export function RunsRoute() {
  const { t } = useTranslation()
  const filters = route.useSearch()
  const navigate = route.useNavigate()
  const begin = (
    <Link to="/new" className={buttonClass('primary')}>
      <Plus aria-hidden="true" /> {t('nav.new')}
    </Link>
  )
  return (
    <Page title={t('nav.runs')} detail={t('runs.lead')} actions={begin}>
      <RunList
        filters={filters}
        onFilters={(next) => void navigate({ search: next, replace: true })}
        firstAction={begin}
      />
    </Page>
  )
}
