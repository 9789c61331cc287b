import { useQuery } from '@tanstack/react-query'
import { History, Search, SearchX } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState, Notice } from '@/components/states/notices'
import { Card } from '@/components/ui/card'
import { Input } from '@/components/ui/field'
import { SkeletonList } from '@/components/ui/skeleton'
import { cn } from '@/lib/cn'
import { languageName } from '@/lib/code-language'
import { formatAgo } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useNow } from '@/lib/use-now'
import { type CodeRun, codeHistoryQuery } from '../api'
import { OutcomeBadge } from './code-result'

interface Props {
  q: string
  onSearch: (q: string) => void
  selected: string | undefined
  onPick: (run: CodeRun) => void
}

/** Everything that was run before, to be found, looked at and run again. */
export function CodeHistory({ q, onSearch, selected, onPick }: Props) {
  const { t } = useTranslation()
  const history = useQuery(codeHistoryQuery(q))
  return (
    <>
      <SearchField value={q} onChange={onSearch} />
      {history.isPending ? (
        <SkeletonList rows={3} />
      ) : history.error && !history.data ? (
        <ErrorState error={history.error} onRetry={() => history.refetch()} />
      ) : history.data?.length === 0 ? (
        q ? (
          <Notice icon={<SearchX />} title={t('code.noneFound')} />
        ) : (
          <Notice icon={<History />} title={t('code.noHistory')}>
            {t('code.noHistoryHint')}
          </Notice>
        )
      ) : (
        <Card className="overflow-hidden">
          <ul className="divide-y divide-line-soft">
            {history.data?.map((run) => (
              <HistoryRow key={run.run_id} run={run} selected={run.run_id === selected} onPick={onPick} />
            ))}
          </ul>
        </Card>
      )}
    </>
  )
}

function HistoryRow({
  run,
  selected,
  onPick,
}: {
  run: CodeRun
  selected: boolean
  onPick: (run: CodeRun) => void
}) {
  const language = useLanguage()
  const now = useNow(60_000)
  return (
    <li>
      <button
        type="button"
        aria-pressed={selected}
        onClick={() => onPick(run)}
        className={cn(
          'flex w-full items-center gap-4 px-4 py-3 text-left transition-colors hover:bg-raised -outline-offset-2 max-sm:flex-wrap max-sm:gap-y-2',
          selected && 'bg-raised',
        )}
      >
        <OutcomeBadge outcome={run.outcome} />
        <code className="min-w-0 flex-1 truncate font-mono text-[0.8125rem] max-sm:order-first max-sm:basis-full">
          {firstLine(run.code)}
        </code>
        <span className="shrink-0 text-xs text-muted">{languageName(run.language)}</span>
        <span className="shrink-0 text-xs text-muted">{formatAgo(run.created_at, now, language)}</span>
      </button>
    </li>
  )
}

function firstLine(code: string): string {
  return code.split('\n').find((line) => line.trim() !== '') ?? ''
}

function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
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
    <search className="relative mb-4 block">
      <Search className="pointer-events-none absolute top-3 left-3 size-4 text-muted" aria-hidden="true" />
      <Input
        type="search"
        aria-label={t('code.search')}
        placeholder={t('code.search')}
        value={text}
        onChange={(event) => setText(event.target.value)}
        className="pl-9"
      />
    </search>
  )
}
