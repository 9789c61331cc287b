import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { ErrorState } from '@/components/states/notices'
import { Page, Section } from '@/components/states/page'
import { SkeletonList } from '@/components/ui/skeleton'
import { ExampleGoals } from '@/features/goals/components/example-goals'
import { GoalBox } from '@/features/goals/components/goal-box'
import { runsByStatusQuery } from '@/features/runs/api'
import { ActiveList } from '@/features/runs/components/active-list'
import { RecentList } from '@/features/runs/components/recent-list'
import { WaitingList } from '@/features/runs/components/waiting-list'
import { formatLongDate } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'

export function TodayRoute() {
  const { t } = useTranslation()
  const language = useLanguage()
  const navigate = useNavigate()
  const any = useQuery(runsByStatusQuery(undefined, 20))
  const first = any.data?.length === 0
  const hour = new Date().getHours()
  const greeting = hour < 5 || hour >= 18 ? 'today.evening' : hour < 12 ? 'today.morning' : 'today.afternoon'
  return (
    <Page
      title={t(first ? 'today.welcome' : greeting)}
      eyebrow={<span className="first-letter:uppercase">{formatLongDate(new Date(), language)}</span>}
      detail={t(first ? 'today.welcomeDetail' : 'today.lead')}
    >
      <GoalBox
        onStarted={(id) => void navigate({ to: '/runs/$id', params: { id } })}
        onPlan={() => void navigate({ to: '/new' })}
      />
      {any.isPending ? (
        <div className="mt-10">
          <SkeletonList rows={3} />
        </div>
      ) : any.error && !any.data ? (
        <ErrorState error={any.error} onRetry={() => any.refetch()} />
      ) : first ? (
        <Section title={t('today.examples')}>
          <ExampleGoals onPick={(example) => void navigate({ to: '/new', search: { example } })} />
        </Section>
      ) : (
        <>
          <Section title={t('today.waiting')}>
            <WaitingList />
          </Section>
          <Section title={t('today.running')}>
            <ActiveList />
          </Section>
          <Section
            title={t('today.finished')}
            aside={
              <Link
                to="/runs"
                className="rounded underline decoration-line underline-offset-4 hover:text-ink"
              >
                {t('today.all')}
              </Link>
            }
          >
            <RecentList />
          </Section>
        </>
      )}
    </Page>
  )
}
