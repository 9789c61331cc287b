import { useQuery } from '@tanstack/react-query'
import { KeyRound, Sparkles } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { announce } from '@/lib/announce'
import { suggestionsQuery, useAddProvider, useDismissSuggestion } from '../api'
import type { Suggestion } from '../wire'

interface Props {
  /** Looks at what is suggested before it is added. */
  onSetUp: (suggestion: Suggestion) => void
}

/** What was found on this machine and is not in use yet: an Ollama that runs, keys in the environment. */
export function SuggestionList({ onSetUp }: Props) {
  const suggestions = useQuery(suggestionsQuery)
  // Only an offer: without it nothing is missing, so neither its loading nor its failing takes any room.
  if (!suggestions.data || suggestions.data.length === 0) return null
  return (
    <ul className="mb-8 flex flex-col gap-3">
      {suggestions.data.map((suggestion) => (
        <li key={suggestion.name}>
          <SuggestionCard suggestion={suggestion} onSetUp={() => onSetUp(suggestion)} />
        </li>
      ))}
    </ul>
  )
}

function SuggestionCard({ suggestion, onSetUp }: { suggestion: Suggestion; onSetUp: () => void }) {
  const { t } = useTranslation('models')
  const add = useAddProvider()
  const dismiss = useDismissSuggestion()
  const Icon = suggestion.reason === 'ollama_found' ? Sparkles : KeyRound
  const { preset, name, title, model, base_url } = suggestion

  function accept() {
    add.mutate(
      { preset, name, model, base_url },
      { onSuccess: () => announce(t('providers.added', { title })) },
    )
  }

  return (
    <Card suggested className="p-4 sm:px-5">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-3">
        <Icon className="size-5 shrink-0 text-muted" aria-hidden="true" />
        <div className="min-w-0 flex-1 basis-60">
          <p className="font-medium">{t(`suggestion.${suggestion.reason}`, { title })}</p>
          <p className="mt-0.5 text-xs break-words text-muted">
            {suggestion.reason === 'ollama_found'
              ? t('suggestion.at', { url: base_url })
              : t('suggestion.variable', { name: suggestion.key_variable })}
            {' · '}
            {model}
          </p>
        </div>
        <div className="flex flex-wrap gap-2">
          <Button variant="primary" size="sm" disabled={add.isPending} onClick={accept}>
            {t('suggestion.use')}
          </Button>
          <Button size="sm" onClick={onSetUp}>
            {t('suggestion.look')}
          </Button>
          <Button variant="ghost" size="sm" disabled={dismiss.isPending} onClick={() => dismiss.mutate(name)}>
            {t('suggestion.dismiss')}
          </Button>
        </div>
      </div>
      {add.error || dismiss.error ? (
        <InlineError error={add.error ?? dismiss.error} className="mt-3" />
      ) : null}
    </Card>
  )
}
