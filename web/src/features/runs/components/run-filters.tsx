import { Search } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Input } from '@/components/ui/field'
import { Select } from '@/components/ui/select'
import { RUN_STATUSES, type RunFilters, type RunStatus } from '../api'
import { workflowName } from '../workflow-name'

interface Props {
  filters: RunFilters
  /** The kinds of work that were seen, to choose from. */
  workflows: string[]
  onChange: (filters: RunFilters) => void
}

export function RunFilterBar({ filters, workflows, onChange }: Props) {
  const { t } = useTranslation()
  const kinds = [...new Set([...(filters.workflow ? [filters.workflow] : []), ...workflows])].sort()
  return (
    <search className="mb-5 flex flex-wrap gap-2">
      <TextFilter value={filters.q ?? ''} onChange={(q) => onChange({ ...filters, q: q || undefined })} />
      <Select<RunStatus | 'any'>
        label={t('runs.filterStatus')}
        value={filters.status ?? 'any'}
        onChange={(status) => onChange({ ...filters, status: status === 'any' ? undefined : status })}
        options={[
          { value: 'any', label: t('runs.anyStatus') },
          ...RUN_STATUSES.map((status) => ({ value: status, label: t(`status.${status}`) })),
        ]}
        className="min-w-36 max-sm:flex-1 sm:min-w-44"
      />
      <Select<string>
        label={t('runs.filterWorkflow')}
        value={filters.workflow ?? ''}
        onChange={(workflow) => onChange({ ...filters, workflow: workflow || undefined })}
        options={[
          { value: '', label: t('runs.anyWorkflow') },
          ...kinds.map((workflow) => ({ value: workflow, label: workflowName(workflow, t) })),
        ]}
        className="min-w-36 max-sm:flex-1 sm:min-w-44"
      />
    </search>
  )
}

/** Searches as one types, once the fingers rest. */
function TextFilter({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation()
  const [text, setText] = useState(value)
  const change = useRef(onChange)
  change.current = onChange
  useEffect(() => setText(value), [value])
  useEffect(() => {
    if (text === value) return
    const timer = setTimeout(() => change.current(text.trim()), 250)
    return () => clearTimeout(timer)
  }, [text, value])
  return (
    <div className="relative min-w-56 flex-1 max-sm:basis-full">
      <Search className="pointer-events-none absolute top-3 left-3 size-4 text-muted" aria-hidden="true" />
      <Input
        type="search"
        aria-label={t('runs.search')}
        placeholder={t('runs.search')}
        value={text}
        onChange={(event) => setText(event.target.value)}
        className="pl-9"
      />
    </div>
  )
}
