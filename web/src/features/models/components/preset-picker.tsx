import { ChevronRight, Search } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Input } from '@/components/ui/field'
import type { Preset } from '../wire'

interface Props {
  presets: Preset[]
  onPick: (name: string) => void
  onCustom: () => void
}

/** The providers that are known, by name; any other one is told apart by its address. */
export function PresetPicker({ presets, onPick, onCustom }: Props) {
  const { t } = useTranslation('models')
  const [q, setQ] = useState('')
  const words = q.trim().toLowerCase()
  const found = presets.filter((preset) =>
    [preset.title, preset.name, preset.base_url, ...preset.models.map((model) => model.id)].some((text) =>
      text.toLowerCase().includes(words),
    ),
  )
  return (
    <>
      <div className="relative mb-3">
        <Search className="pointer-events-none absolute top-3 left-3 size-4 text-muted" aria-hidden="true" />
        <Input
          type="search"
          aria-label={t('add.search')}
          placeholder={t('add.search')}
          value={q}
          onChange={(event) => setQ(event.target.value)}
          className="pl-9"
        />
      </div>
      <ul className="-mx-2 flex flex-col">
        {found.map((preset) => (
          <li key={preset.name}>
            <Choice
              title={preset.title}
              detail={[preset.default_model ?? preset.models[0]?.id, hostOf(preset.base_url)]
                .filter(Boolean)
                .join(' · ')}
              onPick={() => onPick(preset.name)}
            />
          </li>
        ))}
        <li>
          <Choice title={t('add.custom')} detail={t('add.customHint')} onPick={onCustom} />
        </li>
      </ul>
      <p role="status" className="sr-only">
        {t('add.found', { count: found.length })}
      </p>
    </>
  )
}

function Choice({ title, detail, onPick }: { title: string; detail: string; onPick: () => void }) {
  return (
    <button
      type="button"
      onClick={onPick}
      className="flex w-full items-center gap-3 rounded-lg px-3 py-2.5 text-left transition-colors hover:bg-sunken"
    >
      <span className="min-w-0 flex-1">
        <span className="block font-medium">{title}</span>
        <span className="block truncate text-xs text-muted">{detail}</span>
      </span>
      <ChevronRight className="size-4 shrink-0 text-muted" aria-hidden="true" />
    </button>
  )
}

function hostOf(address: string): string {
  try {
    return new URL(address).host
  } catch {
    return address
  }
}
