import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Field, Input, Textarea } from '@/components/ui/field'
import { Select } from '@/components/ui/select'
import { Switch } from '@/components/ui/switch'
import { providersQuery } from '../api'
import type { PlaygroundViewState } from '../views'
import { POLICIES, type Policy } from '../wire'

/** What can be said about the answer and does not stand in the address. */
export interface Knobs {
  system: string
  temperature: string
  max_tokens: string
}

interface Props {
  view: PlaygroundViewState
  onView: (view: PlaygroundViewState) => void
  knobs: Knobs
  onKnobs: (knobs: Knobs) => void
  toProviders: ReactNode
}

/** Stands in the list of models for one that is named in words. */
const OTHER = '*'

/** Who is to answer, and how. */
export function PlaygroundOptions({ view, onView, knobs, onKnobs, toProviders }: Props) {
  const { t } = useTranslation('models')
  const id = useId()
  return (
    <section
      aria-label={t('playground.options')}
      className="flex flex-col gap-5 lg:sticky lg:top-8 [&_input]:bg-surface"
    >
      <ModelChoice view={view} onView={onView} toProviders={toProviders} />
      <Field label={t('routing.policy')} htmlFor={`${id}-policy`}>
        <Select<Policy | ''>
          id={`${id}-policy`}
          label={t('routing.policy')}
          value={view.policy ?? ''}
          onChange={(policy) => onView({ ...view, policy: policy || undefined })}
          options={[
            { value: '', label: t('playground.policyAsSet') },
            ...POLICIES.map((value) => ({ value, label: t(`policy.${value}`) })),
          ]}
        />
      </Field>
      <div className="flex items-start gap-3">
        <Switch
          id={`${id}-local`}
          checked={view.local === '1'}
          onChange={(local) => onView({ ...view, local: local ? '1' : undefined })}
        />
        <div>
          <label htmlFor={`${id}-local`} className="font-medium">
            {t('playground.local')}
          </label>
          <p className="text-xs text-muted">{t('playground.localHint')}</p>
        </div>
      </div>
      <div className="grid grid-cols-2 gap-4">
        <Field label={t('playground.temperature')} htmlFor={`${id}-temperature`}>
          <Input
            id={`${id}-temperature`}
            type="number"
            min={0}
            max={2}
            step={0.1}
            placeholder={t('playground.auto')}
            value={knobs.temperature}
            onChange={(event) => onKnobs({ ...knobs, temperature: event.target.value })}
          />
        </Field>
        <Field label={t('playground.maxTokens')} htmlFor={`${id}-tokens`}>
          <Input
            id={`${id}-tokens`}
            type="number"
            min={1}
            step={1}
            placeholder={t('playground.auto')}
            value={knobs.max_tokens}
            onChange={(event) => onKnobs({ ...knobs, max_tokens: event.target.value })}
          />
        </Field>
      </div>
      <Field label={t('playground.system')} htmlFor={`${id}-system`} hint={t('playground.systemHint')}>
        <Textarea
          id={`${id}-system`}
          rows={4}
          value={knobs.system}
          onChange={(event) => onKnobs({ ...knobs, system: event.target.value })}
        />
      </Field>
    </section>
  )
}

function ModelChoice({ view, onView, toProviders }: Pick<Props, 'view' | 'onView' | 'toProviders'>) {
  const { t } = useTranslation('models')
  const id = useId()
  const providers = useQuery(providersQuery)
  const usable = (providers.data ?? []).filter((provider) => provider.enabled)
  const known = !view.model || usable.some((provider) => provider.name === view.model)
  const [naming, setNaming] = useState(false)
  const inWords = naming || (!known && !providers.isPending)
  const setModel = (model: string) => onView({ ...view, model: model || undefined })

  return (
    <>
      <Field label={t('playground.model')} htmlFor={`${id}-model`}>
        <Select<string>
          id={`${id}-model`}
          label={t('playground.model')}
          value={inWords ? OTHER : (view.model ?? '')}
          onChange={(value) => {
            setNaming(value === OTHER)
            setModel(value === OTHER ? '' : value)
          }}
          options={[
            { value: '', label: t('playground.modelAuto') },
            ...usable.map(({ name, title, model }) => ({ value: name, label: `${title} · ${model}` })),
            { value: OTHER, label: t('playground.modelOther') },
          ]}
          className="w-full min-w-0"
        />
      </Field>
      {inWords ? (
        <Field
          label={t('playground.modelName')}
          htmlFor={`${id}-name`}
          hint={t('playground.modelNameHint')}
          className="-mt-2"
        >
          <Input
            id={`${id}-name`}
            value={view.model ?? ''}
            spellCheck={false}
            autoComplete="off"
            placeholder="openai/gpt-4o"
            onChange={(event) => setModel(event.target.value)}
          />
        </Field>
      ) : null}
      {providers.error ? <InlineError error={providers.error} /> : null}
      {providers.isSuccess && usable.length === 0 ? (
        <div className="text-[0.8125rem] text-muted">
          <p className="mb-2">{t('playground.noProviders')}</p>
          {toProviders}
        </div>
      ) : null}
    </>
  )
}
