import { ArrowUp, Sparkles } from 'lucide-react'
import { type KeyboardEvent, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { COMMAND_KEY, Kbd } from '@/components/ui/kbd'
import { newSubmission, type Submission, useSubmitGoal } from '../api'
import { keepDraft, readDraft } from '../draft'

interface Props {
  onStarted: (runId: string) => void
  /** Goes on to the page with the plan and all the options; the text comes along. */
  onPlan: () => void
}

/** The quickest way to begin: say what you want, press the button. */
export function GoalBox({ onStarted, onPlan }: Props) {
  const { t } = useTranslation()
  const id = useId()
  const [goal, setGoal] = useState(readDraft)
  const pending = useRef<Submission | null>(null)
  const submit = useSubmitGoal()

  function write(text: string) {
    setGoal(text)
    keepDraft(text)
    pending.current = null
  }

  function start() {
    const text = goal.trim()
    if (!text || submit.isPending) return
    pending.current ??= newSubmission({ goal: text, task_type: 'auto' })
    submit.mutate(pending.current, {
      onSuccess(run) {
        keepDraft('')
        onStarted(run.id)
      },
    })
  }

  function keys(event: KeyboardEvent) {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) start()
  }

  return (
    <div className="relative">
      <div
        className="pointer-events-none absolute -inset-x-4 -top-10 -bottom-10 -z-10 bg-[image:var(--glow)] sm:-inset-x-24 sm:-top-20 sm:-bottom-24"
        aria-hidden="true"
      />
      <div className="relative rounded-2xl border border-line bg-glass shadow-float backdrop-blur-xl transition-colors focus-within:border-slate">
        <label htmlFor={id} className="sr-only">
          {t('goal.label')}
        </label>
        <textarea
          id={id}
          rows={3}
          value={goal}
          onChange={(event) => write(event.target.value)}
          onKeyDown={keys}
          placeholder={t('goal.placeholder')}
          className="block field-sizing-content max-h-96 min-h-24 w-full resize-none rounded-2xl bg-transparent px-5 pt-4 text-base leading-relaxed outline-none"
        />
        <div className="flex items-center gap-2 p-3 pl-5">
          <span className="mr-auto hidden items-center gap-2 text-xs text-muted sm:flex">
            <Kbd>{COMMAND_KEY} ↵</Kbd> {t('goal.toStart')}
          </span>
          <Button variant="ghost" className="max-sm:mr-auto" onClick={onPlan}>
            <Sparkles /> {t('goal.plan')}
          </Button>
          <Button variant="primary" disabled={!goal.trim() || submit.isPending} onClick={start}>
            <ArrowUp /> {t('goal.start')}
          </Button>
        </div>
      </div>
      {submit.error ? <InlineError error={submit.error} className="relative mt-3" /> : null}
    </div>
  )
}
