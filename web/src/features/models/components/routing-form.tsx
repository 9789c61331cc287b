import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Card } from '@/components/ui/card'
import { Field } from '@/components/ui/field'
import { Select } from '@/components/ui/select'
import { Switch } from '@/components/ui/switch'
import { formatDuration } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useChangeRouting } from '../api'
import { POLICIES, type Policy, type Provider, type Routing } from '../wire'

/** After how long a silence the next provider may be asked too, in milliseconds. */
const HEDGES = [500, 1_000, 2_000, 5_000, 10_000]

interface Props {
  routing: Routing
  providers: Provider[]
}

/** By which rules somebody is chosen to answer. Each change counts at once. */
export function RoutingForm({ routing, providers }: Props) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const id = useId()
  const change = useChangeRouting()
  const hedges = [
    ...new Set([...HEDGES, ...(routing.hedge_after_ms === null ? [] : [routing.hedge_after_ms])]),
  ]
  const nobody = routing.local_only && !providers.some((provider) => provider.is_local && provider.enabled)
  return (
    <Card className="p-5 sm:p-6">
      <div className="flex items-start gap-3">
        <Switch
          id={`${id}-local`}
          checked={routing.local_only}
          onChange={(local_only) => change.mutate({ local_only })}
        />
        <div>
          <label htmlFor={`${id}-local`} className="font-medium">
            {t('routing.localOnly')}
          </label>
          <p className="text-xs text-muted">{t('routing.localOnlyHint')}</p>
          {nobody ? <p className="mt-1 text-xs font-medium text-wait">{t('routing.nobodyLocal')}</p> : null}
        </div>
      </div>
      <div className="mt-6 grid gap-5 sm:grid-cols-2">
        <Field
          label={t('routing.policy')}
          htmlFor={`${id}-policy`}
          hint={t(`policyHint.${routing.local_only ? 'local-only' : routing.policy}`)}
        >
          <Select<Policy>
            id={`${id}-policy`}
            label={t('routing.policy')}
            value={routing.policy}
            onChange={(policy) => change.mutate({ policy })}
            options={POLICIES.map((value) => ({ value, label: t(`policy.${value}`) }))}
          />
        </Field>
        <Field label={t('routing.hedge')} htmlFor={`${id}-hedge`} hint={t('routing.hedgeHint')}>
          <Select<string>
            id={`${id}-hedge`}
            label={t('routing.hedge')}
            value={String(routing.hedge_after_ms ?? '')}
            onChange={(value) => change.mutate({ hedge_after_ms: value === '' ? null : Number(value) })}
            options={[
              { value: '', label: t('routing.hedgeOff') },
              ...hedges
                .sort((a, b) => a - b)
                .map((ms) => ({
                  value: String(ms),
                  label: t('routing.hedgeAfter', { time: formatDuration(ms, language) }),
                })),
            ]}
          />
        </Field>
      </div>
      {routing.chain && routing.chain.length > 0 ? (
        <p className="mt-5 text-[0.8125rem]">
          <span className="text-muted">{t('routing.chain')}</span>{' '}
          <span className="font-mono text-xs break-words">{routing.chain.join(' → ')}</span>
        </p>
      ) : null}
      {change.error ? <InlineError error={change.error} className="mt-5" /> : null}
    </Card>
  )
}
