import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Dialog } from '@/components/ui/dialog'
import { Field, Input } from '@/components/ui/field'
import { Select } from '@/components/ui/select'
import { announce } from '@/lib/announce'
import { providersQuery } from '../api'
import { MEASURES, readNumber } from '../limit-figures'
import { useAddLimit, useChangeLimit } from '../limits'
import {
  LIMIT_SCOPES,
  LIMIT_WINDOWS,
  type Limit,
  type LimitChange,
  type LimitScope,
  type LimitWindow,
} from '../wire'

interface Props {
  /** The limit that is changed, or that a new one is made. */
  edited: Limit | 'new' | null
  onClose: () => void
}

export function LimitDialog({ edited, onClose }: Props) {
  const { t } = useTranslation('models')
  const limit = edited === 'new' ? null : edited
  return (
    <Dialog
      open={edited !== null}
      onClose={onClose}
      title={t(limit ? 'limits.editTitle' : 'limits.add')}
      detail={t('limits.lead')}
    >
      {edited === null ? null : <LimitForm limit={limit} onDone={onClose} />}
    </Dialog>
  )
}

const textOf = (value: number | null | undefined) => (value == null ? '' : String(value))

function LimitForm({ limit, onDone }: { limit: Limit | null; onDone: () => void }) {
  const { t } = useTranslation('models')
  const id = useId()
  const [scope, setScope] = useState<LimitScope>(limit?.scope ?? 'workspace')
  const [subject, setSubject] = useState(limit?.subject ?? '')
  const [window, setWindow] = useState<LimitWindow>(limit?.window ?? 'month')
  const [amounts, setAmounts] = useState({
    requests: textOf(limit?.requests),
    tokens: textOf(limit?.tokens),
    usd: textOf(limit?.usd),
  })
  const [warnAt, setWarnAt] = useState(textOf((limit?.warn_at ?? 0.8) * 100))
  const [problem, setProblem] = useState<'amount' | 'number' | 'subject' | null>(null)
  const add = useAddLimit()
  const change = useChangeLimit()

  function send(event: FormEvent) {
    event.preventDefault()
    const [requests, tokens, usd] = MEASURES.map((measure) => readNumber(amounts[measure]))
    const warn = readNumber(warnAt)
    if (requests === undefined || tokens === undefined || usd === undefined || warn == null || warn > 100) {
      return setProblem('number')
    }
    if (requests === null && tokens === null && usd === null) return setProblem('amount')
    if (scope !== 'workspace' && !subject.trim()) return setProblem('subject')
    setProblem(null)
    const amount = { requests, tokens, usd, warn_at: warn / 100 }
    const done = {
      onSuccess() {
        announce(t('limits.saved'))
        onDone()
      },
    }
    if (limit) return change.mutate({ id: limit.id, change: amount }, done)
    const body: LimitChange = {
      scope,
      subject: scope === 'workspace' ? null : subject.trim(),
      window,
      ...amount,
    }
    add.mutate(body, done)
  }

  return (
    <form onSubmit={send} noValidate className="flex flex-col gap-5">
      {limit ? null : (
        <div className="grid gap-5 sm:grid-cols-2">
          <Field label={t('limits.scope')} htmlFor={`${id}-scope`}>
            <Select<LimitScope>
              id={`${id}-scope`}
              label={t('limits.scope')}
              value={scope}
              onChange={(next) => {
                setScope(next)
                setSubject('')
              }}
              options={LIMIT_SCOPES.map((value) => ({ value, label: t(`scope.${value}`) }))}
            />
          </Field>
          <Field label={t('limits.window')} htmlFor={`${id}-window`}>
            <Select<LimitWindow>
              id={`${id}-window`}
              label={t('limits.window')}
              value={window}
              onChange={setWindow}
              options={LIMIT_WINDOWS.map((value) => ({ value, label: t(`window.${value}`) }))}
            />
          </Field>
          <Subject scope={scope} value={subject} onChange={setSubject} />
        </div>
      )}
      <div className="grid gap-5 sm:grid-cols-3">
        {MEASURES.map((measure) => (
          <Field key={measure} label={t(`measure.${measure}`)} htmlFor={`${id}-${measure}`}>
            <Input
              id={`${id}-${measure}`}
              type="number"
              min={0}
              step="any"
              placeholder={t('limits.unlimited')}
              value={amounts[measure]}
              onChange={(event) => setAmounts({ ...amounts, [measure]: event.target.value })}
            />
          </Field>
        ))}
      </div>
      <Field label={t('limits.warnAt')} htmlFor={`${id}-warn`} hint={t('limits.warnAtHint')}>
        <Input
          id={`${id}-warn`}
          type="number"
          min={0}
          max={100}
          value={warnAt}
          onChange={(event) => setWarnAt(event.target.value)}
          className="sm:!w-40"
        />
      </Field>
      {problem ? (
        <p role="alert" className="text-[0.8125rem] font-medium text-bad">
          {t(`limits.problem.${problem}`)}
        </p>
      ) : null}
      {add.error || change.error ? <InlineError error={add.error ?? change.error} /> : null}
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={onDone}>
          {t('form.cancel')}
        </Button>
        <Button variant="primary" type="submit" disabled={add.isPending || change.isPending}>
          {t('limits.save')}
        </Button>
      </div>
    </form>
  )
}

interface SubjectProps {
  scope: LimitScope
  value: string
  onChange: (value: string) => void
}

/** Whom a limit binds, where it is not everybody. */
function Subject({ scope, value, onChange }: SubjectProps) {
  const { t } = useTranslation('models')
  const id = useId()
  const providers = useQuery({ ...providersQuery, enabled: scope === 'provider' })
  if (scope === 'workspace') return null
  if (scope === 'provider') {
    return (
      <Field label={t('scope.provider')} htmlFor={id} className="sm:col-span-2">
        <Select<string>
          id={id}
          label={t('scope.provider')}
          value={value}
          onChange={onChange}
          options={[
            { value: '', label: t('limits.choose') },
            ...(providers.data ?? []).map(({ name, title }) => ({ value: name, label: title })),
          ]}
        />
      </Field>
    )
  }
  return (
    <Field label={t('limits.token')} htmlFor={id} hint={t('limits.tokenHint')} className="sm:col-span-2">
      <Input
        id={id}
        value={value}
        spellCheck={false}
        autoComplete="off"
        placeholder="tok_…"
        onChange={(event) => onChange(event.target.value)}
      />
    </Field>
  )
}
