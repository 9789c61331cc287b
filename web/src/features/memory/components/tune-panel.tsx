import { useQuery } from '@tanstack/react-query'
import { RotateCcw } from 'lucide-react'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { Segmented } from '@/components/ui/segmented'
import { type Option, Select } from '@/components/ui/select'
import { SkeletonList } from '@/components/ui/skeleton'
import { cn } from '@/lib/cn'
import { formatScore } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { weightsQuery } from '../api'
import { featureMeaning, featureName } from '../names'
import {
  DEFAULT_SETTINGS,
  isDefault,
  NEIGHBOURS,
  type Settings,
  TOP_K,
  WEIGHT_RANGE,
  withWeight,
} from '../settings'
import { useSettled } from '../use-settled'
import type { FeatureWeight } from '../wire'
import { FeatureMark } from './score-bar'

export type Side = 'a' | 'b'

interface Props {
  /** Whose settings are changed here; null while there is only one. */
  side: Side | null
  onSide: (side: Side) => void
  settings: Settings
  onChange: (settings: Settings) => void
  /** Which models can be asked to grade hits. */
  models: readonly Option<string>[]
}

/** No name of a model has a space at its beginning. */
const NOBODY = ' nobody'

/** What counts how much in a score: the legend of the bars, in which it can be changed. */
export function TunePanel({ side, onSide, settings, onChange, models }: Props) {
  const { t } = useTranslation('memory')
  const id = useId()
  const weights = useQuery(weightsQuery)
  const isListed = !settings.rerank || models.some(({ value }) => value === settings.rerank)
  return (
    <Card className="@container p-4">
      <section aria-labelledby={id}>
        <div className="mb-3 flex flex-wrap items-center justify-between gap-2">
          <h2 id={id} className="text-[0.9375rem] font-semibold tracking-tight">
            {t('tune.title')}
          </h2>
          {side ? (
            <Segmented<Side>
              label={t('tune.whose')}
              value={side}
              onChange={onSide}
              options={[
                { value: 'a', label: 'A' },
                { value: 'b', label: 'B' },
              ]}
            />
          ) : null}
        </div>
        <p className="mb-4 text-xs text-muted">{t('tune.lead')}</p>
        <div className="mb-4 flex flex-wrap items-center gap-2">
          <Select<string>
            label={t('tune.topK')}
            value={String(settings.topK)}
            onChange={(count) => onChange({ ...settings, topK: Number(count) })}
            options={TOP_K.map((count) => ({ value: String(count), label: t('tune.hits', { count }) }))}
            className="min-w-32 flex-1"
          />
          <Select<string>
            label={t('tune.neighbours')}
            value={String(settings.neighbours)}
            onChange={(count) => onChange({ ...settings, neighbours: Number(count) })}
            options={NEIGHBOURS.map((count) => ({
              value: String(count),
              label: count === 0 ? t('tune.noneAround') : t('tune.around', { count }),
            }))}
            className="min-w-56 flex-1"
          />
          <Select<string>
            label={t('tune.rerank')}
            value={settings.rerank ?? NOBODY}
            onChange={(model) => onChange({ ...settings, rerank: model === NOBODY ? null : model })}
            options={[
              { value: NOBODY, label: t('tune.notReranked') },
              { value: '', label: t('tune.rerankPreferred') },
              ...models.map(({ value, label }) => ({ value, label: t('tune.rerankBy', { model: label }) })),
              // One that is named in the address only.
              ...(isListed
                ? []
                : [{ value: settings.rerank ?? '', label: t('tune.rerankBy', { model: settings.rerank }) }]),
            ]}
            className="min-w-56 flex-1"
          />
          <Button disabled={isDefault(settings)} onClick={() => onChange(DEFAULT_SETTINGS)}>
            <RotateCcw /> {t('tune.reset')}
          </Button>
        </div>
        {weights.isPending ? <SkeletonList rows={6} height="h-12" /> : null}
        {weights.error && !weights.data ? <InlineError error={weights.error} /> : null}
        <ul className="grid gap-x-6 gap-y-4 @lg:grid-cols-2 @3xl:grid-cols-3">
          {(weights.data ?? []).map((weight) => (
            <li key={weight.feature}>
              <WeightSlider
                // Those of the other side begin anew, so that nothing half-dragged is told about the wrong one.
                key={side ?? 'a'}
                byDefault={weight}
                value={settings.weights[weight.feature] ?? weight.weight}
                onChange={(value) => onChange(withWeight(settings, weight.feature, value, weight.weight))}
              />
            </li>
          ))}
        </ul>
      </section>
    </Card>
  )
}

interface SliderProps {
  byDefault: FeatureWeight
  value: number
  onChange: (value: number) => void
}

function WeightSlider({ byDefault: { feature, weight, meaning }, value, onChange }: SliderProps) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const id = useId()
  const [draft, setDraft, settle] = useSettled(value, onChange, 120)
  const isChanged = Math.abs(draft - weight) > 1e-9
  const name = featureName(feature, t)
  return (
    <div>
      <div className="flex items-center gap-2">
        <FeatureMark feature={feature} />
        <label htmlFor={id} className="min-w-0 flex-1 truncate text-[0.8125rem] font-medium">
          {name}
        </label>
        <button
          type="button"
          aria-label={t('tune.resetOne', { name })}
          title={t('tune.byDefault', { weight: formatScore(weight, language) })}
          onClick={() => onChange(weight)}
          className={cn(
            'grid size-6 place-items-center rounded-md text-muted hover:bg-sunken hover:text-ink',
            !isChanged && 'invisible',
          )}
        >
          <RotateCcw className="size-3.5" />
        </button>
        <span
          className={cn('w-10 text-right text-xs tabular-nums', isChanged ? 'font-semibold' : 'text-muted')}
        >
          {formatScore(draft, language)}
        </span>
      </div>
      <input
        id={id}
        type="range"
        min={WEIGHT_RANGE.least}
        max={WEIGHT_RANGE.most}
        step={WEIGHT_RANGE.step}
        value={draft}
        aria-describedby={`${id}-meaning`}
        aria-valuetext={formatScore(draft, language)}
        onChange={(event) => setDraft(Number(event.target.value))}
        onBlur={settle}
        className="h-6 w-full accent-[var(--focus)]"
      />
      <p id={`${id}-meaning`} className="text-xs text-muted">
        {featureMeaning(feature, t, meaning)}
      </p>
    </div>
  )
}
