import { useQuery } from '@tanstack/react-query'
import { ChevronLeft } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { SkeletonList } from '@/components/ui/skeleton'
import { announce } from '@/lib/announce'
import { presetsQuery, useAddProvider, useChangeProvider } from '../api'
import { additionOf, changeOf, fieldsFrom, fieldsOf } from '../provider-form'
import type { Preset, Provider } from '../wire'
import { PresetPicker } from './preset-picker'
import { ProviderForm } from './provider-form'

/** Stands in the address for a provider that is none of the presets. */
const CUSTOM = 'custom'

interface AddProps {
  /** `new` while one chooses among the presets, then the name of one; nothing while closed. */
  chosen: string | undefined
  taken: readonly string[]
  onChoose: (preset: string) => void
  onClose: () => void
}

export function AddProviderDialog({ chosen, taken, onChoose, onClose }: AddProps) {
  const { t } = useTranslation('models')
  const presets = useQuery({ ...presetsQuery, enabled: chosen !== undefined })
  const preset = presets.data?.find((candidate) => candidate.name === chosen) ?? null
  const choosing = preset === null && chosen !== CUSTOM
  return (
    <Dialog
      open={chosen !== undefined}
      onClose={onClose}
      title={
        choosing
          ? t('providers.add')
          : preset
            ? t('add.title', { title: preset.title })
            : t('add.customTitle')
      }
      detail={choosing ? t('add.lead') : preset?.note}
    >
      {presets.isPending ? (
        <SkeletonList rows={5} height="h-12" />
      ) : presets.error ? (
        <ErrorState error={presets.error} onRetry={() => presets.refetch()} />
      ) : choosing ? (
        <PresetPicker presets={presets.data} onPick={onChoose} onCustom={() => onChoose(CUSTOM)} />
      ) : (
        <>
          <Button variant="ghost" size="sm" className="mb-4 -ml-3" onClick={() => onChoose('new')}>
            <ChevronLeft /> {t('add.other')}
          </Button>
          <AddForm key={chosen} preset={preset} taken={taken} onDone={onClose} />
        </>
      )}
    </Dialog>
  )
}

interface AddFormProps {
  preset: Preset | null
  taken: readonly string[]
  onDone: () => void
}

function AddForm({ preset, taken, onDone }: AddFormProps) {
  const { t } = useTranslation('models')
  const [first] = useState(() => fieldsFrom(preset, taken))
  const add = useAddProvider()
  return (
    <ProviderForm
      first={first}
      preset={preset}
      submit={t('add.submit')}
      pending={add.isPending}
      error={add.error}
      onCancel={onDone}
      onSubmit={(fields) =>
        add.mutate(additionOf(preset, first, fields), {
          onSuccess(provider) {
            announce(t('providers.added', { title: provider.title }))
            onDone()
          },
        })
      }
    />
  )
}

interface EditProps {
  provider: Provider | undefined
  onClose: () => void
}

export function EditProviderDialog({ provider, onClose }: EditProps) {
  const { t } = useTranslation('models')
  const editable = provider?.source === 'workspace'
  return (
    <Dialog
      open={editable}
      onClose={onClose}
      title={provider ? t('edit.title', { title: provider.title }) : ''}
    >
      {provider && editable ? <EditForm key={provider.name} provider={provider} onDone={onClose} /> : null}
    </Dialog>
  )
}

function EditForm({ provider, onDone }: { provider: Provider; onDone: () => void }) {
  const { t } = useTranslation('models')
  const presets = useQuery(presetsQuery)
  const [first] = useState(() => fieldsOf(provider))
  const change = useChangeProvider()
  return (
    <ProviderForm
      first={first}
      preset={presets.data?.find((preset) => preset.name === provider.preset) ?? null}
      existing={provider}
      submit={t('edit.submit')}
      pending={change.isPending}
      error={change.error}
      onCancel={onDone}
      onSubmit={(fields) =>
        change.mutate(
          { name: provider.name, change: changeOf(first, fields) },
          {
            onSuccess(changed) {
              announce(t('providers.changed', { title: changed.title }))
              onDone()
            },
          },
        )
      }
    />
  )
}
