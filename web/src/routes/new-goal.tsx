import { getRouteApi } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Page } from '@/components/states/page'
import { GoalForm } from '@/features/goals/components/goal-form'

const route = getRouteApi('/new')

export function NewGoalRoute() {
  const { t } = useTranslation()
  const { example } = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Page title={t('nav.new')} detail={t('goal.lead')}>
      <GoalForm
        example={example}
        onExample={(picked) =>
          void navigate({ search: { example: picked }, replace: true, resetScroll: false })
        }
        onStarted={(id) => void navigate({ to: '/runs/$id', params: { id } })}
      />
    </Page>
  )
}
