import { type FormEvent, type HTMLInputTypeAttribute, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Disclosure } from '@/components/ui/disclosure'
import { Field, Input } from '@/components/ui/field'
import { Select } from '@/components/ui/select'
import { DEFAULT_TIMEOUTS, type FieldProblems, type ProviderFields, problemsOf } from '../provider-form'
import { DIALECTS, type Dialect, type Preset, type Provider } from '../wire'

interface Props {
  first: ProviderFields
  preset: Preset | null
  /** The provider that is changed; nothing if one is added. */
  existing?: Provider
  submit: string
  pending: boolean
  error: unknown
  onCancel: () => void
  onSubmit: (fields: ProviderFields) => void
}

/** What there is to say about a provider: first what is needed, the rest in a fold. */
export function ProviderForm(props: Props) {
  const { first, preset, existing, submit, pending, error, onCancel, onSubmit } = props
  const { t } = useTranslation('models')
  const [fields, setFields] = useState(first)
  const [problems, setProblems] = useState<FieldProblems>({})
  const set = (change: Partial<ProviderFields>) => setFields({ ...fields, ...change })
  const part = { fields, set, problems }
  const inFold = Object.keys(problems).some((name) => name !== 'model' && (preset || name !== 'base_url'))

  function send(event: FormEvent) {
    event.preventDefault()
    const found = problemsOf(fields)
    setProblems(found)
    if (Object.keys(found).length === 0) onSubmit(fields)
  }

  return (
    <form onSubmit={send} noValidate className="flex flex-col gap-5">
      {preset || existing ? null : (
        <>
          <TextField {...part} name="title" />
          <TextField
            {...part}
            name="base_url"
            type="url"
            placeholder="https://…/v1"
            hint={t('hint.base_url')}
          />
        </>
      )}
      {preset && !preset.needs_key ? null : <KeyField {...part} preset={preset} existing={existing} />}
      <TextField
        {...part}
        name="model"
        suggestions={preset?.models.map((model) => model.id)}
        hint={t('hint.model')}
      />
      <Disclosure key={String(inFold)} title={t('form.advanced')} open={inFold}>
        <div className="grid gap-5 pt-2 sm:grid-cols-2">
          {preset || existing ? (
            <>
              <TextField {...part} name="title" />
              <TextField {...part} name="base_url" type="url" />
            </>
          ) : null}
          {existing ? null : <TextField {...part} name="name" hint={t('hint.name')} />}
          <DialectField {...part} />
          <TextField {...part} name="context_tokens" type="number" hint={t('hint.optional')} />
          <TextField {...part} name="concurrency" type="number" hint={t('hint.concurrency')} />
        </div>
        <fieldset className="mt-6">
          <legend className="mb-3 text-[0.8125rem] font-medium">{t('form.timeouts')}</legend>
          <div className="grid grid-cols-2 gap-4">
            <TextField {...part} name="connect_s" type="number" otherwise={DEFAULT_TIMEOUTS.connect_ms} />
            <TextField
              {...part}
              name="first_content_s"
              type="number"
              otherwise={DEFAULT_TIMEOUTS.first_content_ms}
            />
            <TextField {...part} name="stall_s" type="number" otherwise={DEFAULT_TIMEOUTS.stall_ms} />
            <TextField {...part} name="total_s" type="number" otherwise={DEFAULT_TIMEOUTS.total_ms} />
          </div>
        </fieldset>
        <fieldset className="mt-6">
          <legend className="mb-3 text-[0.8125rem] font-medium">{t('form.price')}</legend>
          <div className="grid grid-cols-2 gap-4 sm:grid-cols-3">
            <TextField {...part} name="price_input" type="number" />
            <TextField {...part} name="price_output" type="number" />
            <TextField {...part} name="price_cached" type="number" />
          </div>
        </fieldset>
      </Disclosure>
      {error ? <InlineError error={error} /> : null}
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={onCancel}>
          {t('form.cancel')}
        </Button>
        <Button variant="primary" type="submit" disabled={pending}>
          {submit}
        </Button>
      </div>
    </form>
  )
}

interface PartProps {
  fields: ProviderFields
  set: (change: Partial<ProviderFields>) => void
  problems: FieldProblems
}

type TextName = Exclude<keyof ProviderFields, 'dialect' | 'removes_key' | 'api_key'>

interface TextFieldProps extends PartProps {
  name: TextName
  type?: HTMLInputTypeAttribute
  placeholder?: string
  hint?: string
  suggestions?: string[]
  /** In milliseconds: what stands where the field is empty. */
  otherwise?: number
}

function TextField(props: TextFieldProps) {
  const { fields, set, problems, name, type = 'text', placeholder, hint, suggestions, otherwise } = props
  const { t } = useTranslation('models')
  const id = useId()
  const problem = problems[name]
  return (
    <Field
      label={t(`field.${name}`)}
      htmlFor={id}
      hint={problem ? <span className="font-medium text-bad">{t(`problem.${problem}`)}</span> : hint}
    >
      <Input
        id={id}
        type={type}
        min={type === 'number' ? 0 : undefined}
        step={type === 'number' ? 'any' : undefined}
        placeholder={otherwise === undefined ? placeholder : String(otherwise / 1_000)}
        list={suggestions?.length ? `${id}-list` : undefined}
        aria-invalid={problem ? true : undefined}
        spellCheck={false}
        autoComplete="off"
        value={fields[name]}
        onChange={(event) => set({ [name]: event.target.value })}
      />
      {suggestions?.length ? (
        <datalist id={`${id}-list`}>
          {suggestions.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      ) : null}
    </Field>
  )
}

function DialectField({ fields, set }: PartProps) {
  const { t } = useTranslation('models')
  const id = useId()
  return (
    <Field label={t('field.dialect')} htmlFor={id}>
      <Select<Dialect>
        id={id}
        label={t('field.dialect')}
        value={fields.dialect}
        onChange={(dialect) => set({ dialect })}
        options={DIALECTS.map((value) => ({ value, label: t(`dialect.${value}`) }))}
      />
    </Field>
  )
}

/** The key goes to the server and is never sent back; only its ending is shown. */
function KeyField({
  fields,
  set,
  preset,
  existing,
}: PartProps & { preset: Preset | null; existing?: Provider }) {
  const { t } = useTranslation('models')
  const id = useId()
  const isSet = existing?.key.state === 'set'
  return (
    <Field
      label={t('field.api_key')}
      htmlFor={id}
      hint={
        fields.removes_key
          ? t('key.willGo')
          : isSet
            ? t('key.keep')
            : preset?.key_variable
              ? t('key.stored', { name: preset.key_variable })
              : t('key.optional')
      }
    >
      <Input
        id={id}
        type="password"
        autoComplete="off"
        spellCheck={false}
        disabled={fields.removes_key}
        placeholder={isSet ? `•••• ${existing?.key.ending ?? ''}` : ''}
        value={fields.api_key}
        onChange={(event) => set({ api_key: event.target.value })}
      />
      {isSet ? (
        <Button
          variant="ghost"
          size="sm"
          className="-ml-1 self-start"
          onClick={() => set({ removes_key: !fields.removes_key, api_key: '' })}
        >
          {t(fields.removes_key ? 'key.undoRemove' : 'key.remove')}
        </Button>
      ) : null}
    </Field>
  )
}
