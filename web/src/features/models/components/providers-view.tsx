import { useQuery } from '@tanstack/react-query'
import { Plus, Server } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { ErrorState, Notice } from '@/components/states/notices'
import { Section } from '@/components/states/page'
import { Button } from '@/components/ui/button'
import { SkeletonList } from '@/components/ui/skeleton'
import { providersQuery, routingQuery } from '../api'
import { inOrder } from '../order'
import type { ProvidersViewState } from '../views'
import { AddProviderDialog, EditProviderDialog } from './provider-dialogs'
import { ProviderList } from './provider-list'
import { RoutingForm } from './routing-form'
import { SuggestionList } from './suggestion-list'

interface Props {
  view: ProvidersViewState
  onView: (view: ProvidersViewState) => void
}

/** Who can be asked, in which order, and what of it may leave this machine. */
export function ProvidersView({ view, onView }: Props) {
  const { t } = useTranslation('models')
  const providers = useQuery(providersQuery)
  const routing = useQuery(routingQuery)
  const error = providers.error ?? routing.error
  if (error && !(providers.data && routing.data)) {
    return (
      <ErrorState error={error} onRetry={() => void Promise.all([providers.refetch(), routing.refetch()])} />
    )
  }
  if (!providers.data || !routing.data) return <SkeletonList rows={5} height="h-20" />

  const inTurn = inOrder(providers.data, routing.data.order)
  const edited = inTurn.find((provider) => provider.name === view.edit)
  const add = (
    <Button variant="primary" onClick={() => onView({ add: 'new' })}>
      <Plus aria-hidden="true" /> {t('providers.add')}
    </Button>
  )
  return (
    <>
      <SuggestionList onSetUp={(suggestion) => onView({ add: suggestion.preset })} />
      <Section title={t('providers.order')} aside={inTurn.length > 0 ? add : null} className="!mt-0">
        {inTurn.length === 0 ? (
          <Notice icon={<Server />} title={t('providers.none')} action={add}>
            {t('providers.noneHint')}
          </Notice>
        ) : (
          <ProviderList providers={inTurn} routing={routing.data} onEdit={(name) => onView({ edit: name })} />
        )}
      </Section>
      <Section title={t('routing.title')}>
        <RoutingForm routing={routing.data} providers={inTurn} />
      </Section>
      <AddProviderDialog
        chosen={view.add}
        taken={inTurn.map((provider) => provider.name)}
        onChoose={(add) => onView({ add })}
        onClose={() => onView({})}
      />
      <EditProviderDialog provider={edited} onClose={() => onView({})} />
    </>
  )
}
