import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Section } from '@/components/states/page'
import { CodeBlock } from '@/components/ui/code-block'
import { InlineCode } from '@/components/ui/inline-code'
import { Segmented } from '@/components/ui/segmented'
import { providersQuery } from '../api'
import { baseUrl, CLIENTS, type Client, snippet, TOKEN_COMMAND, TONGUES, type Tongue } from '../snippets'

const CLIENT_NAMES: Record<Client, string> = { openai: 'OpenAI', anthropic: 'Anthropic' }
const TONGUE_NAMES: Record<Tongue, string> = { shell: 'curl', python: 'Python', javascript: 'JavaScript' }

/** How other programs ask models by way of Atelier: where, with what token, and the lines to write. */
export function ClientSetup({ origin }: { origin: string }) {
  const { t } = useTranslation('models')
  const [client, setClient] = useState<Client>('openai')
  const [tongue, setTongue] = useState<Tongue>('python')
  // Only for the example. Without it a name that anybody understands stands there.
  const providers = useQuery(providersQuery)
  const first = providers.data?.find((provider) => provider.enabled)
  const model = first ? `${first.name}/${first.model}` : 'ollama/llama3.1:8b'
  return (
    <>
      <p className="max-w-2xl text-muted">{t('clients.lead')}</p>
      <Section title={t('clients.token')} className="!mt-8">
        <p className="mb-3 max-w-2xl text-muted">
          <InlineCode text={t('clients.tokenHint')} />
        </p>
        <CodeBlock code={TOKEN_COMMAND} language="shell" />
      </Section>
      <Section title={t('clients.ask')}>
        <div className="mb-4 flex flex-wrap gap-3">
          <Segmented<Client>
            label={t('clients.client')}
            value={client}
            onChange={setClient}
            options={CLIENTS.map((value) => ({ value, label: CLIENT_NAMES[value] }))}
          />
          <Segmented<Tongue>
            label={t('clients.tongue')}
            value={tongue}
            onChange={setTongue}
            options={TONGUES.map((value) => ({ value, label: TONGUE_NAMES[value] }))}
          />
        </div>
        <div className="flex flex-col gap-4">
          <CodeBlock label={t('clients.baseUrl')} code={baseUrl(client, origin)} />
          <CodeBlock
            label={TONGUE_NAMES[tongue]}
            code={snippet(client, tongue, origin, model)}
            language={tongue}
          />
        </div>
        <p className="mt-4 max-w-2xl text-[0.8125rem] text-muted">
          <InlineCode text={t('clients.modelHint')} />
        </p>
      </Section>
    </>
  )
}
