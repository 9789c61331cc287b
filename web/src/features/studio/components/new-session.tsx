import { useQuery } from '@tanstack/react-query'
import { ArrowRight, Atom, FolderOpen, LayoutTemplate, type LucideIcon, Server, Triangle } from 'lucide-react'
import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState, InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Field, Input } from '@/components/ui/field'
import { SkeletonList } from '@/components/ui/skeleton'
import { cn } from '@/lib/cn'
import { useLanguage } from '@/lib/use-language'
import { templatesQuery, useCreateSession } from '../api'
import type { Template } from '../wire'
import { inLanguage } from './session-list'

const ICONS: Record<string, LucideIcon> = {
  'vite-react': Atom,
  nextjs: Triangle,
  express: Server,
  fastapi: Server,
  empty: FolderOpen,
}

/** What to begin with, and what to call it. */
export function NewSession({ onMade }: { onMade: (id: string) => void }) {
  const { t } = useTranslation('studio')
  const id = useId()
  const templates = useQuery(templatesQuery)
  const [picked, setPicked] = useState<string | null>(null)
  const [name, setName] = useState('')
  const create = useCreateSession()
  const template = picked ?? templates.data?.[0]?.name

  function make() {
    if (!template || create.isPending) return
    const called = name.trim()
    create.mutate(
      { template, ...(called ? { name: called } : {}) },
      { onSuccess: (session) => onMade(session.sessionId) },
    )
  }

  if (templates.error) return <ErrorState error={templates.error} onRetry={() => void templates.refetch()} />
  if (!templates.data) return <SkeletonList rows={2} height="h-28" />
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        make()
      }}
    >
      <fieldset>
        <legend className="mb-3 text-[0.9375rem] font-semibold tracking-tight">{t('new.template')}</legend>
        <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-3">
          {templates.data.map((one) => (
            <TemplateCard
              key={one.name}
              group={`${id}-template`}
              template={one}
              isPicked={one.name === template}
              onPick={() => setPicked(one.name)}
            />
          ))}
        </div>
      </fieldset>
      <div className="mt-5 flex flex-wrap items-end gap-3">
        <Field label={t('session.name')} htmlFor={`${id}-name`} className="min-w-56 flex-1">
          <Input
            id={`${id}-name`}
            value={name}
            maxLength={120}
            placeholder={t('new.namePlaceholder')}
            onChange={(event) => setName(event.target.value)}
          />
        </Field>
        <Button variant="primary" type="submit" disabled={create.isPending}>
          {t(create.isPending ? 'new.making' : 'new.make')} <ArrowRight aria-hidden="true" />
        </Button>
      </div>
      {create.error ? <InlineError error={create.error} className="mt-4" /> : null}
    </form>
  )
}

interface CardProps {
  group: string
  template: Template
  isPicked: boolean
  onPick: () => void
}

function TemplateCard({ group, template, isPicked, onPick }: CardProps) {
  const language = useLanguage()
  const Icon = ICONS[template.name] ?? LayoutTemplate
  const id = `${group}-${template.name}`
  return (
    <label
      htmlFor={id}
      className={cn(
        'flex gap-3.5 rounded-xl border bg-surface p-4 transition-[border-color,box-shadow] has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-offset-2 has-[:focus-visible]:outline-focus',
        isPicked
          ? 'border-focus shadow-card ring-1 ring-focus'
          : 'border-line-soft shadow-card hover:border-slate',
      )}
    >
      <input
        id={id}
        type="radio"
        name={group}
        value={template.name}
        checked={isPicked}
        onChange={onPick}
        aria-describedby={`${id}-detail`}
        aria-label={inLanguage(template.title, language)}
        className="sr-only"
      />
      <span
        className={cn(
          'grid size-9 shrink-0 place-items-center rounded-lg',
          isPicked ? 'bg-primary text-primary-ink' : 'bg-sunken text-muted',
        )}
        aria-hidden="true"
      >
        <Icon className="size-4.5" />
      </span>
      <span className="min-w-0">
        <span className="block font-semibold tracking-tight">{inLanguage(template.title, language)}</span>
        <span id={`${id}-detail`} className="mt-1 block text-[0.8125rem] leading-snug text-muted">
          {inLanguage(template.description, language)}
        </span>
      </span>
    </label>
  )
}
