import { FlaskConical, LoaderCircle, Pencil, Power, Trash2 } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Confirm } from '@/components/ui/confirm'
import { announce } from '@/lib/announce'
import { formatAgo, formatDuration, formatNumber, formatUsd } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useNow } from '@/lib/use-now'
import { useChangeProvider, useDeleteProvider, useTestProvider } from '../api'
import type { Provider } from '../wire'
import { OllamaModels } from './ollama-models'
import { TestResult } from './test-result'

interface Props {
  provider: Provider
  onEdit: () => void
}

/** Everything about one provider and what can be done with it. */
export function ProviderDetails({ provider, onEdit }: Props) {
  const { t } = useTranslation('models')
  const test = useTestProvider()
  const change = useChangeProvider()
  const remove = useDeleteProvider()
  const { name, title, enabled } = provider
  const failed = change.error ?? remove.error ?? test.error

  function runTest() {
    test.mutate(name, {
      onSuccess: (result) => announce(t(result.ok ? 'test.ok' : 'test.failed', { title })),
    })
  }

  function switchOnOrOff() {
    change.mutate(
      { name, change: { enabled: !enabled } },
      { onSuccess: () => announce(t(enabled ? 'providers.isOff' : 'providers.isOn', { title })) },
    )
  }

  return (
    <>
      <Facts provider={provider} />
      <div className="mt-5 flex flex-wrap gap-2">
        <Button size="sm" disabled={test.isPending} onClick={runTest}>
          {test.isPending ? <LoaderCircle className="animate-spin" /> : <FlaskConical />}
          {t(test.isPending ? 'test.running' : 'test.run')}
        </Button>
        {provider.source === 'workspace' ? (
          <>
            <Button size="sm" onClick={onEdit}>
              <Pencil /> {t('providers.edit')}
            </Button>
            <Button size="sm" disabled={change.isPending} onClick={switchOnOrOff}>
              <Power /> {t(enabled ? 'providers.turnOff' : 'providers.turnOn')}
            </Button>
            <Confirm
              trigger={
                <Button variant="danger" size="sm" disabled={remove.isPending}>
                  <Trash2 /> {t('providers.delete')}
                </Button>
              }
              title={t('providers.deleteTitle', { title })}
              detail={t('providers.deleteDetail')}
              action={t('providers.delete')}
              keep={t('providers.keep')}
              onConfirm={() =>
                remove.mutate(name, { onSuccess: () => announce(t('providers.deleted', { title })) })
              }
            />
          </>
        ) : null}
      </div>
      {failed ? <InlineError error={failed} className="mt-4" /> : null}
      {test.data && !test.isPending ? <TestResult result={test.data} model={provider.model} /> : null}
      {provider.preset === 'ollama' ? <OllamaModels provider={provider} /> : null}
    </>
  )
}

function Facts({ provider }: { provider: Provider }) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const now = useNow(30_000)
  const { health, price, key } = provider
  return (
    <>
      {provider.source === 'workspace' ? null : (
        <p className="mb-4 text-[0.8125rem] text-muted">{t(`source.${provider.source}`)}</p>
      )}
      <dl className="grid gap-x-8 gap-y-3 text-[0.8125rem] sm:grid-cols-2">
        <Fact name={t('field.base_url')}>
          <span className="font-mono text-xs break-all">{provider.base_url}</span>
        </Fact>
        <Fact name={t('field.dialect')}>{t(`dialect.${provider.dialect}`)}</Fact>
        <Fact name={t('field.api_key')}>
          {t(`key.${key.state}`, { ending: key.ending ?? '' })}
          {key.storage ? ` · ${t(`storage.${key.storage}`)}` : null}
        </Fact>
        <Fact name={t('field.first_word')}>
          {health.first_content_ms === null
            ? t('health.unmeasured')
            : formatDuration(health.first_content_ms, language)}
        </Fact>
        <Fact name={t('field.price')}>
          {price
            ? t('price.perMillion', {
                in: formatUsd(price.input, language),
                out: formatUsd(price.output, language),
              })
            : t(provider.is_local ? 'price.free' : 'price.unknown')}
        </Fact>
        <Fact name={t('field.context')}>
          {provider.context_tokens === null
            ? t('context.unknown')
            : t('context.tokens', { tokens: formatNumber(provider.context_tokens, language) })}
        </Fact>
      </dl>
      {health.last_error ? (
        <p className="mt-4 text-[0.8125rem]">
          <span className="text-muted">
            {t('health.lastError', { ago: formatAgo(health.last_error.at, now, language) })}
          </span>{' '}
          <span className="break-words">{health.last_error.message}</span>{' '}
          <span className="text-xs text-muted">({health.last_error.code})</span>
        </p>
      ) : null}
    </>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="mt-0.5 break-words">{children}</dd>
    </div>
  )
}
