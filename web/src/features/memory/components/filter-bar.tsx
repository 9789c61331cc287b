import { useQuery } from '@tanstack/react-query'
import { ListFilter, Plus, X } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/button'
import { Input } from '@/components/ui/field'
import { Select } from '@/components/ui/select'
import { collectionsQuery } from '../api'
import { addCondition, FILTER_FIELDS, type FilterField, type Filters, removeCondition } from '../filters'

interface Props {
  filters: Filters
  onChange: (filters: Filters) => void
  /** Fields that are not to be chosen here. */
  without?: FilterField
}

/** What is looked at, as chips that can be taken away, and the way to one more. */
export function FilterBar({ filters, onChange, without }: Props) {
  const { t } = useTranslation('memory')
  const id = useId()
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <div className="flex flex-wrap items-center gap-2">
        {filters.length > 0 ? (
          <ul aria-label={t('filter.active')} className="contents">
            {filters.map((condition) => {
              const { field, value } = condition
              const text = t('filter.is', { field: t(`filterField.${field}`), value })
              return (
                <li key={`${field} ${value}`} className="max-w-full">
                  <button
                    type="button"
                    aria-label={t('filter.remove', { condition: text })}
                    onClick={() => onChange(removeCondition(filters, condition))}
                    className="inline-flex h-8 max-w-full items-center gap-1.5 rounded-full bg-primary-soft pr-2 pl-3 text-[0.8125rem] text-ink hover:bg-sunken"
                  >
                    <span className="truncate">{text}</span>
                    <X className="size-3.5 shrink-0 text-muted" aria-hidden="true" />
                  </button>
                </li>
              )
            })}
          </ul>
        ) : null}
        <Button
          variant="ghost"
          size="sm"
          aria-expanded={isOpen}
          aria-controls={id}
          onClick={() => setOpen(!isOpen)}
          className="text-muted"
        >
          <ListFilter /> {t('filter.more')}
        </Button>
        {filters.length > 1 ? (
          <Button variant="ghost" size="sm" className="text-muted" onClick={() => onChange([])}>
            {t('filter.clear')}
          </Button>
        ) : null}
      </div>
      <div id={id}>
        {isOpen ? (
          <NewCondition
            without={without}
            onAdd={(field, value) => onChange(addCondition(filters, { field, value }))}
          />
        ) : null}
      </div>
    </>
  )
}

interface NewProps {
  without: FilterField | undefined
  onAdd: (field: FilterField, value: string) => void
}

function NewCondition({ without, onAdd }: NewProps) {
  const { t } = useTranslation('memory')
  const fields = FILTER_FIELDS.filter((field) => field !== without)
  const [field, setField] = useState<FilterField>(fields[0] ?? 'author')
  const [value, setValue] = useState('')

  function add(event: FormEvent) {
    event.preventDefault()
    onAdd(field, field === 'privacy' ? 'shareable' : value)
    setValue('')
  }

  return (
    <form onSubmit={add} className="mt-2 flex flex-wrap items-center gap-2 rounded-lg bg-sunken p-2">
      <Select<FilterField>
        label={t('filter.field')}
        value={field}
        onChange={(next) => {
          setField(next)
          setValue('')
        }}
        options={fields.map((one) => ({ value: one, label: t(`filterField.${one}`) }))}
        className="min-w-36 max-sm:flex-1"
      />
      <ValueControl field={field} value={value} onChange={setValue} />
      <Button type="submit" disabled={field !== 'privacy' && value.trim() === ''}>
        <Plus /> {t('filter.add')}
      </Button>
    </form>
  )
}

interface ValueProps {
  field: FilterField
  value: string
  onChange: (value: string) => void
}

function ValueControl({ field, value, onChange }: ValueProps) {
  const { t } = useTranslation('memory')
  const known = useQuery({ ...collectionsQuery, enabled: field === 'collection' }).data ?? []
  const collections = known.filter(({ documents }) => documents > 0)
  if (field === 'privacy') {
    return <p className="min-w-0 flex-1 basis-40 px-2 text-[0.8125rem] text-muted">{t('filter.shareable')}</p>
  }
  if (field === 'collection' && collections.length > 0) {
    return (
      <Select<string>
        label={t('filter.value')}
        value={value}
        onChange={onChange}
        options={[
          { value: '', label: t('filter.choose') },
          ...collections.map(({ name }) => ({ value: name, label: name })),
        ]}
        className="min-w-40 flex-1"
      />
    )
  }
  const isDay = field === 'since' || field === 'until'
  return (
    <Input
      type={isDay ? 'date' : 'text'}
      aria-label={t('filter.value')}
      placeholder={t(`filterField.${field}`)}
      value={value}
      maxLength={300}
      onChange={(event) => onChange(event.target.value)}
      className="min-w-40 flex-1 basis-40"
    />
  )
}
