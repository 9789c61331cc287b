import { LoaderCircle, Play } from 'lucide-react'
import { type KeyboardEvent, lazy, Suspense, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { InlineError } from '@/components/states/notices'
import { Section } from '@/components/states/page'
import { Button } from '@/components/ui/button'
import { Card } from '@/components/ui/card'
import { Disclosure } from '@/components/ui/disclosure'
import { Field, Textarea } from '@/components/ui/field'
import { COMMAND_KEY, Kbd } from '@/components/ui/kbd'
import { Segmented } from '@/components/ui/segmented'
import { Select } from '@/components/ui/select'
import { announce } from '@/lib/announce'
import { languageName } from '@/lib/code-language'
import { CODE_LANGUAGES, type CodeLanguage, type CodeRun, LIMITS_S, type LimitS, useRunCode } from '../api'
import { keepCode, readCode } from '../draft'
import { CodeHistory } from './code-history'
import { CodeResult } from './code-result'

const CodeEditor = lazy(() => import('./code-editor'))

/** What of the room stands in the address. */
export interface CodeViewState {
  language?: CodeLanguage
  limit?: LimitS
  q?: string
}

interface Props {
  view: CodeViewState
  onView: (view: CodeViewState) => void
}

/** A snippet in, its output back. It runs in the jail, with a limit on time, memory and output. */
export function CodeRunner({ view, onView }: Props) {
  const { t } = useTranslation()
  const language = view.language ?? 'python'
  const limit = view.limit ?? '5'
  const [code, setCode] = useState(() => readCode(language))
  const [stdin, setStdin] = useState('')
  const [shown, setShown] = useState<CodeRun | null>(null)
  const run = useRunCode()

  function write(text: string) {
    setCode(text)
    keepCode(language, text)
  }

  function changeLanguage(next: CodeLanguage) {
    setCode(readCode(next))
    onView({ ...view, language: next === 'python' ? undefined : next })
  }

  function start() {
    if (!code.trim() || run.isPending) return
    run.mutate(
      { code, language, timeout_ms: Number(limit) * 1_000, stdin: stdin || undefined },
      {
        onSuccess(result) {
          setShown(result)
          announce(t(`outcome.${result.outcome}`))
        },
      },
    )
  }

  function pick(past: CodeRun) {
    setShown(past)
    run.reset()
    setCode(past.code)
    keepCode(past.language, past.code)
    if (past.language !== language) {
      onView({ ...view, language: past.language === 'python' ? undefined : past.language })
    }
  }

  return (
    <>
      <div className="grid items-stretch gap-6 lg:grid-cols-2">
        <div className="min-w-0">
          <div className="mb-3 flex flex-wrap items-center gap-2">
            <Segmented<CodeLanguage>
              label={t('code.language')}
              value={language}
              onChange={changeLanguage}
              options={CODE_LANGUAGES.map((value) => ({ value, label: languageName(value) }))}
            />
            <div className="ml-auto">
              <Select<LimitS>
                label={t('code.limit')}
                value={limit}
                onChange={(next) => onView({ ...view, limit: next === '5' ? undefined : next })}
                options={LIMITS_S.map((value) => ({ value, label: t('code.limitOf', { seconds: value }) }))}
                className="!h-8 text-[0.8125rem]"
              />
            </div>
          </div>
          <Editor value={code} language={language} onChange={write} onRun={start} />
          <Stdin value={stdin} onChange={setStdin} />
          <div className="mt-4 flex items-center gap-3">
            <Button variant="primary" disabled={!code.trim() || run.isPending} onClick={start}>
              {run.isPending ? <LoaderCircle className="animate-spin" /> : <Play />}
              {t(run.isPending ? 'code.running' : 'code.run')}
            </Button>
            <span className="hidden items-center gap-2 text-xs text-muted sm:flex">
              <Kbd>{COMMAND_KEY} ↵</Kbd> {t('code.toRun')}
            </span>
          </div>
        </div>
        <section aria-label={t('code.output')} className="min-w-0">
          <h2 className="mb-3 flex h-8 items-center text-[0.9375rem] font-semibold tracking-tight">
            {t('code.output')}
          </h2>
          {run.error ? (
            <InlineError error={run.error} />
          ) : shown ? (
            <CodeResult run={shown} />
          ) : (
            <p className="text-muted">{t('code.nothingYet')}</p>
          )}
        </section>
      </div>
      <Section title={t('code.history')}>
        <CodeHistory
          q={view.q ?? ''}
          onSearch={(q) => onView({ ...view, q: q || undefined })}
          selected={shown?.run_id}
          onPick={pick}
        />
      </Section>
    </>
  )
}

interface EditorProps {
  value: string
  language: CodeLanguage
  onChange: (value: string) => void
  onRun: () => void
}

/** A plain field until the editor has arrived: one can begin to write at once. */
function Editor({ value, language, onChange, onRun }: EditorProps) {
  const { t } = useTranslation()
  function keys(event: KeyboardEvent) {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) onRun()
  }
  return (
    <Card className="h-80 overflow-hidden focus-within:border-slate">
      <Suspense
        fallback={
          <textarea
            aria-label={t('code.editor')}
            value={value}
            spellCheck={false}
            onChange={(event) => onChange(event.target.value)}
            onKeyDown={keys}
            className="size-full resize-none bg-transparent p-4 font-mono text-[0.84375rem] outline-none"
          />
        }
      >
        <CodeEditor
          value={value}
          language={language}
          label={t('code.editor')}
          onChange={onChange}
          onRun={onRun}
        />
      </Suspense>
    </Card>
  )
}

function Stdin({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation()
  const id = useId()
  return (
    <Disclosure title={t('code.stdin')} open={value !== ''} className="mt-3">
      <Field label={t('code.stdinLabel')} htmlFor={id}>
        <Textarea
          id={id}
          rows={3}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          className="font-mono"
        />
      </Field>
    </Disclosure>
  )
}
