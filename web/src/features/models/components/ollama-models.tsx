import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Check, CircleAlert, Download, Flame, LoaderCircle, X } from 'lucide-react'
import { type FormEvent, useEffect, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState, InlineError } from '@/components/states/notices'
import { Badge } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { Input } from '@/components/ui/field'
import { Meter } from '@/components/ui/meter'
import { SkeletonList } from '@/components/ui/skeleton'
import { announce } from '@/lib/announce'
import { formatBytes, formatDuration } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { type PullProgress, providerModelsQuery, pullModel, useWarmUp } from '../api'
import type { Provider, ProviderModel } from '../wire'

/** The models that an Ollama has, those that are needed and not there, and a way to fetch more. */
export function OllamaModels({ provider }: { provider: Provider }) {
  const { t } = useTranslation('models')
  const models = useQuery(providerModelsQuery(provider.name))
  const pull = usePull(provider.name)
  const [wanted, setWanted] = useState('')
  const id = useId()

  function fetchWanted(event: FormEvent) {
    event.preventDefault()
    if (wanted.trim() && !pull.progress) void pull.start(wanted.trim()).then((done) => done && setWanted(''))
  }

  return (
    <section className="mt-6 border-t border-line-soft pt-5" aria-label={t('ollama.title')}>
      <h4 className="mb-3 text-[0.8125rem] font-semibold">{t('ollama.title')}</h4>
      {models.isPending ? (
        <SkeletonList rows={2} height="h-10" />
      ) : models.error && !models.data ? (
        <ErrorState error={models.error} onRetry={() => models.refetch()} />
      ) : models.data?.length === 0 ? (
        <p className="text-[0.8125rem] text-muted">{t('ollama.none')}</p>
      ) : (
        <ul className="divide-y divide-line-soft rounded-lg border border-line-soft bg-surface">
          {models.data?.map((model) => (
            <li key={model.id} className="px-4 py-2.5">
              <ModelRow
                provider={provider.name}
                model={model}
                busy={pull.progress !== null}
                onPull={() => void pull.start(model.id)}
              />
            </li>
          ))}
        </ul>
      )}
      {pull.progress ? (
        <PullBar model={pull.model} progress={pull.progress} onStop={pull.stop} />
      ) : pull.error ? (
        <InlineError error={pull.error} className="mt-3" />
      ) : null}
      <form onSubmit={fetchWanted} className="mt-4 flex flex-wrap items-end gap-2">
        <div className="min-w-0 flex-1 basis-52">
          <label htmlFor={id} className="mb-1.5 block text-[0.8125rem] font-medium">
            {t('ollama.fetch')}
          </label>
          <Input
            id={id}
            value={wanted}
            spellCheck={false}
            autoComplete="off"
            placeholder="qwen2.5-coder:7b"
            onChange={(event) => setWanted(event.target.value)}
          />
        </div>
        <Button type="submit" disabled={!wanted.trim() || pull.progress !== null}>
          <Download /> {t('ollama.pull')}
        </Button>
      </form>
    </section>
  )
}

interface RowProps {
  provider: string
  model: ProviderModel
  busy: boolean
  onPull: () => void
}

function ModelRow({ provider, model, busy, onPull }: RowProps) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const warmUp = useWarmUp(provider)
  const installed = model.size_bytes !== null || model.digest !== null
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
      <div className="min-w-0 flex-1 basis-48">
        <p className="font-mono text-xs break-all">{model.id}</p>
        <p className="mt-0.5 text-xs text-muted">
          {[
            model.size_bytes === null ? null : formatBytes(model.size_bytes, language),
            model.digest === null ? null : shortDigest(model.digest),
            warmUp.data?.ok
              ? t('ollama.warmIn', { time: formatDuration(warmUp.data.latency_ms, language) })
              : null,
          ]
            .filter((fact) => fact !== null)
            .join(' · ') || t('ollama.notThere')}
        </p>
        {warmUp.error ? <InlineError error={warmUp.error} className="mt-2" /> : null}
      </div>
      {model.is_required ? (
        <Badge tone={installed ? 'neutral' : 'wait'}>
          {installed ? <Check aria-hidden="true" /> : <CircleAlert aria-hidden="true" />}
          {t(installed ? 'ollama.required' : 'ollama.requiredMissing')}
        </Badge>
      ) : null}
      {model.is_loaded ? (
        <Badge tone="good">
          <Flame aria-hidden="true" /> {t('ollama.loaded')}
        </Badge>
      ) : null}
      {!installed ? (
        <Button size="sm" disabled={busy} onClick={onPull}>
          <Download /> {t('ollama.pull')}
        </Button>
      ) : model.is_loaded ? null : (
        <Button
          size="sm"
          disabled={warmUp.isPending}
          onClick={() =>
            warmUp.mutate(model.id, { onSuccess: () => announce(t('ollama.isWarm', { model: model.id })) })
          }
        >
          {warmUp.isPending ? <LoaderCircle className="animate-spin" /> : <Flame />}
          {t(warmUp.isPending ? 'ollama.warming' : 'ollama.warmUp')}
        </Button>
      )}
    </div>
  )
}

interface PullBarProps {
  model: string
  progress: PullProgress
  onStop: () => void
}

function PullBar({ model, progress, onStop }: PullBarProps) {
  const { t } = useTranslation('models')
  const language = useLanguage()
  const { completed, total, status } = progress
  const share = completed !== null && total ? completed / total : null
  const text =
    share === null || completed === null || total === null
      ? status
      : t('ollama.progress', { done: formatBytes(completed, language), all: formatBytes(total, language) })
  return (
    <div className="mt-4">
      <div className="mb-1.5 flex items-center justify-between gap-3 text-xs text-muted">
        <span className="min-w-0 truncate">
          <span className="font-mono">{model}</span> · {text}
        </span>
        <Button variant="ghost" size="sm" onClick={onStop}>
          <X /> {t('ollama.stop')}
        </Button>
      </div>
      <Meter label={t('ollama.pulling', { model })} value={share} text={text} />
    </div>
  )
}

/** One pull at a time. Leaving the page ends the watching; what has come already is kept by Ollama. */
function usePull(provider: string) {
  const { t } = useTranslation('models')
  const client = useQueryClient()
  const [model, setModel] = useState('')
  const [progress, setProgress] = useState<PullProgress | null>(null)
  const [error, setError] = useState<unknown>(null)
  const running = useRef<AbortController | null>(null)
  useEffect(() => () => running.current?.abort(), [])

  async function start(wanted: string): Promise<boolean> {
    const stop = new AbortController()
    running.current = stop
    setModel(wanted)
    setError(null)
    setProgress({ status: t('ollama.starting'), completed: null, total: null })
    try {
      await pullModel(provider, wanted, setProgress, stop.signal)
      announce(t('ollama.pulled', { model: wanted }))
      return true
    } catch (problem) {
      if (!stop.signal.aborted) setError(problem)
      return false
    } finally {
      setProgress(null)
      void client.invalidateQueries({ queryKey: providerModelsQuery(provider).queryKey })
    }
  }

  return { model, progress, error, start, stop: () => running.current?.abort() }
}

function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12)
}
