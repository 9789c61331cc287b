import { type FormEvent, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { Field, Input } from '@/components/ui/field'
import { Select } from '@/components/ui/select'
import { Switch } from '@/components/ui/switch'
import { announce } from '@/lib/announce'
import { useChangeCollection } from '../api'
import {
  changeOf,
  effectsOf,
  type FormProblem,
  formOf,
  LONGEST,
  problemOf,
  SHORTEST,
} from '../collection-form'
import { type Collection, PRIVACY_LABELS, type PrivacyLabel } from '../wire'

interface Props {
  /** The collection that is set up, or that a new one is made. */
  edited: Collection | 'new' | null
  onClose: () => void
}

/** How a collection is set up, and what each change will do. */
export function CollectionDialog({ edited, onClose }: Props) {
  const { t } = useTranslation('memory')
  const collection = edited === 'new' ? null : edited
  return (
    <Dialog
      open={edited !== null}
      onClose={onClose}
      title={collection ? t('collection.title', { name: collection.name }) : t('collection.new')}
      detail={t('collection.lead')}
    >
      {edited === null ? null : <CollectionFields collection={collection} onDone={onClose} />}
    </Dialog>
  )
}

function CollectionFields({ collection, onDone }: { collection: Collection | null; onDone: () => void }) {
  const { t } = useTranslation('memory')
  const id = useId()
  const [form, setForm] = useState(() => formOf(collection))
  const [problem, setProblem] = useState<FormProblem | null>(null)
  const change = useChangeCollection()
  const effects = collection ? effectsOf(collection, form) : []

  function send(event: FormEvent) {
    event.preventDefault()
    const found = problemOf(form)
    setProblem(found)
    if (found) return
    change.mutate(
      { name: form.name.trim(), change: changeOf(collection, form) },
      {
        onSuccess() {
          announce(t('collection.saved'))
          onDone()
        },
      },
    )
  }

  return (
    <form onSubmit={send} noValidate className="flex flex-col gap-5">
      {collection ? null : (
        <Field label={t('collection.name')} htmlFor={`${id}-name`} hint={t('collection.nameHint')}>
          <Input
            id={`${id}-name`}
            value={form.name}
            maxLength={64}
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
            onChange={(event) => setForm({ ...form, name: event.target.value })}
          />
        </Field>
      )}
      <Field label={t('collection.privacy')} htmlFor={`${id}-privacy`} hint={t('collection.privacyHint')}>
        <Select<PrivacyLabel>
          id={`${id}-privacy`}
          label={t('collection.privacy')}
          value={form.privacy}
          onChange={(privacy) => setForm({ ...form, privacy })}
          options={PRIVACY_LABELS.map((value) => ({ value, label: t(`privacy.${value}`) }))}
        />
      </Field>
      <Field
        label={t('collection.length')}
        htmlFor={`${id}-length`}
        hint={t('collection.lengthHint', { shortest: SHORTEST, longest: LONGEST })}
      >
        <Input
          id={`${id}-length`}
          inputMode="numeric"
          placeholder={t('collection.lengthDefault')}
          value={form.length}
          onChange={(event) => setForm({ ...form, length: event.target.value })}
          className="sm:!w-40"
        />
      </Field>
      <Field
        label={t('collection.embedded')}
        htmlFor={`${id}-embedded`}
        hint={t(form.embedded ? 'collection.embeddedOn' : 'collection.embeddedOff')}
      >
        <Switch
          id={`${id}-embedded`}
          checked={form.embedded}
          onChange={(embedded) => setForm({ ...form, embedded })}
        />
      </Field>
      {effects.length > 0 ? (
        <ul className="flex list-disc flex-col gap-1 pl-5 text-[0.8125rem]">
          {effects.map((effect) => (
            <li key={effect}>{t(`collection.effect.${effect}`)}</li>
          ))}
        </ul>
      ) : null}
      {problem ? (
        <p role="alert" className="text-[0.8125rem] font-medium text-bad">
          {t(`collection.problem.${problem}`, { shortest: SHORTEST, longest: LONGEST })}
        </p>
      ) : null}
      {change.error ? <InlineError error={change.error} /> : null}
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={onDone}>
          {t('collection.cancel')}
        </Button>
        <Button variant="primary" type="submit" disabled={change.isPending}>
          {t('collection.save')}
        </Button>
      </div>
    </form>
  )
}
