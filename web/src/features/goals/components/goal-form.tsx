import { useQuery } from '@tanstack/react-query'
import { ArrowUp, Sparkles } from 'lucide-react'
import { useEffect, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { PlanOutline } from '@/components/plan/plan-outline'
import { InlineError } from '@/components/states/notices'
import { Section } from '@/components/states/page'
import { Button } from '@/components/ui/button'
import { Field, Input } from '@/components/ui/field'
import { COMMAND_KEY, Kbd } from '@/components/ui/kbd'
import { Select } from '@/components/ui/select'
import { SkeletonList } from '@/components/ui/skeleton'
import { Switch } from '@/components/ui/switch'
import { announce } from '@/lib/announce'
import { useLanguage } from '@/lib/use-language'
import { modelsQuery, newSubmission, type Submission, usePreviewPlan, useSubmitGoal } from '../api'
import { type Attachment, isTooLarge } from '../attach'
import { keepDraft, readDraft } from '../draft'
import { type Example, exampleText } from '../examples'
import { Attachments } from './attachments'
import { ExampleGoals } from './example-goals'

interface Props {
  example: Example | undefined
  onExample: (example: Example) => void
  onStarted: (runId: string) => void
}

/** A goal with everything that can be said about it, and the plan for it before it starts. */
export function GoalForm({ example, onExample, onStarted }: Props) {
  const { t } = useTranslation()
  const language = useLanguage()
  const id = useId()
  const [goal, setGoal] = useState(() => (example ? exampleText(example, language) : readDraft()))
  const [title, setTitle] = useState('')
  const [approval, setApproval] = useState(false)
  const [model, setModel] = useState('')
  const [files, setFiles] = useState<Attachment[]>([])
  const [tooLarge, setTooLarge] = useState(false)
  const plan = usePreviewPlan()
  const submit = useSubmitGoal()
  const pending = useRef<{ content: string; submission: Submission } | null>(null)

  function write(text: string) {
    setGoal(text)
    keepDraft(text)
  }

  function preview() {
    plan.mutate(goal.trim(), {
      onSuccess: (dispatch) => announce(t('plan.steps', { count: dispatch.plan.steps.length })),
    })
  }

  function start() {
    if (!goal.trim() || submit.isPending) return
    const body = {
      goal: goal.trim(),
      title: title.trim() || undefined,
      task_type: 'auto' as const,
      // Left open otherwise, so that the code of a model still waits for approval.
      require_approval: approval || undefined,
      model: model || undefined,
      files: files.map(({ name, content_base64 }) => ({ name, content_base64 })),
    }
    const unfit = isTooLarge(body)
    setTooLarge(unfit)
    if (unfit) return
    const content = JSON.stringify(body)
    if (pending.current?.content !== content) pending.current = { content, submission: newSubmission(body) }
    submit.mutate(pending.current.submission, {
      onSuccess(run) {
        keepDraft('')
        onStarted(run.id)
      },
    })
  }

  // Wherever the focus is: after a look at the plan it is on a button.
  useEffect(() => {
    function keys(event: KeyboardEvent) {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      start()
    }
    document.addEventListener('keydown', keys)
    return () => document.removeEventListener('keydown', keys)
  })

  return (
    <>
      <div className="rounded-2xl border border-line bg-glass shadow-float backdrop-blur-xl transition-colors focus-within:border-slate">
        <label htmlFor={`${id}-goal`} className="sr-only">
          {t('goal.label')}
        </label>
        <textarea
          id={`${id}-goal`}
          rows={8}
          value={goal}
          onChange={(event) => write(event.target.value)}
          placeholder={t('goal.longPlaceholder')}
          spellCheck
          className="block field-sizing-content max-h-[60vh] min-h-52 w-full resize-none rounded-2xl bg-transparent px-6 pt-5 text-[0.9375rem] leading-relaxed outline-none"
        />
        <div className="p-3 pl-4">
          <Attachments files={files} onChange={setFiles} />
        </div>
      </div>
      <Options
        title={title}
        onTitle={setTitle}
        approval={approval}
        onApproval={setApproval}
        model={model}
        onModel={setModel}
      />
      {tooLarge ? (
        <p role="alert" className="mt-5 text-[0.8125rem] text-bad">
          {t('attach.goalTooLarge')}
        </p>
      ) : null}
      {submit.error ? <InlineError error={submit.error} className="mt-5" /> : null}
      {plan.error ? <InlineError error={plan.error} className="mt-5" /> : null}
      <div className="mt-6 flex flex-wrap items-center gap-2">
        <Button variant="primary" disabled={!goal.trim() || submit.isPending} onClick={start}>
          <ArrowUp /> {t(submit.isPending ? 'goal.starting' : 'goal.start')}
        </Button>
        <Button disabled={!goal.trim() || plan.isPending} onClick={preview}>
          <Sparkles /> {t('goal.preview')}
        </Button>
        <span className="ml-2 hidden items-center gap-2 text-xs text-muted sm:flex">
          <Kbd>{COMMAND_KEY} ↵</Kbd> {t('goal.toStart')}
        </span>
      </div>
      {plan.isPending ? (
        <Section title={t('plan.title')}>
          <SkeletonList rows={3} />
        </Section>
      ) : plan.data ? (
        <Section
          title={plan.data.plan.title}
          aside={plan.variables === goal.trim() ? null : t('plan.outdated')}
        >
          <PlanOutline plan={plan.data.plan} suggested />
        </Section>
      ) : goal.trim() ? null : (
        <Section title={t('example.heading')}>
          <ExampleGoals
            onPick={(picked) => {
              write(exampleText(picked, language))
              onExample(picked)
            }}
          />
        </Section>
      )}
    </>
  )
}

interface OptionsProps {
  title: string
  onTitle: (title: string) => void
  approval: boolean
  onApproval: (approval: boolean) => void
  model: string
  onModel: (model: string) => void
}

function Options({ title, onTitle, approval, onApproval, model, onModel }: OptionsProps) {
  const { t } = useTranslation()
  const id = useId()
  const models = useQuery(modelsQuery)
  const available = (models.data ?? []).filter((candidate) => candidate.available)
  return (
    <div className="mt-6 grid gap-5 sm:grid-cols-2">
      <Field label={t('goal.title')} htmlFor={`${id}-title`} hint={t('goal.titleHint')}>
        <Input id={`${id}-title`} value={title} onChange={(event) => onTitle(event.target.value)} />
      </Field>
      <Field
        label={t('goal.model')}
        htmlFor={`${id}-model`}
        hint={models.error ? t('goal.modelsFailed') : t('goal.modelHint')}
      >
        <Select<string>
          id={`${id}-model`}
          label={t('goal.model')}
          value={model}
          onChange={onModel}
          options={[
            { value: '', label: t('goal.modelAuto') },
            ...available.map(({ name, local }) => ({
              value: name,
              label: local ? t('goal.modelLocal', { name }) : name,
            })),
          ]}
        />
      </Field>
      <div className="flex items-start gap-3 sm:col-span-2">
        <Switch id={`${id}-approval`} checked={approval} onChange={onApproval} />
        <div>
          <label htmlFor={`${id}-approval`} className="font-medium">
            {t('goal.approval')}
          </label>
          <p className="text-xs text-muted">{t('goal.approvalHint')}</p>
        </div>
      </div>
    </div>
  )
}
