import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Bookmark, BookmarkPlus, Bot, Check, FileDiff, History, RotateCcw, Undo2 } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ErrorState, InlineError, Notice } from '@/components/states/notices'
import { Button } from '@/components/ui/button'
import { Confirm } from '@/components/ui/confirm'
import { Input } from '@/components/ui/field'
import { Segmented } from '@/components/ui/segmented'
import { Select } from '@/components/ui/select'
import { SkeletonList } from '@/components/ui/skeleton'
import { announce } from '@/lib/announce'
import { cn } from '@/lib/cn'
import { formatAgo, formatDateTime } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { useMedia } from '@/lib/use-media'
import { useNow } from '@/lib/use-now'
import { checkpointPagesQuery, diffQuery, useCreateCheckpoint, useRestoreCheckpoint } from '../api'
import { keepStored, readStored } from '../stored'
import type { Checkpoint } from '../wire'
import { FileDifference } from './file-difference'
import { Split } from './split'

type Layout = 'unified' | 'split'

interface Props {
  id: string
  from: string | undefined
  to: string | undefined
  onCompare: (from: string | undefined, to: string | undefined) => void
  onOpenFile: (path: string) => void
}

/** The states a session's files were in, what differs between them, and the way back to one. */
export default function ChangesPanel({ id, from, to, onCompare, onOpenFile }: Props) {
  const narrow = useMedia('(max-width: 899px)')
  const checkpoints = useInfiniteQuery(checkpointPagesQuery(id))
  const list = checkpoints.data?.pages.flatMap((page) => page.items) ?? []
  const difference = (
    <Difference
      id={id}
      from={from}
      to={to}
      list={list}
      onCompare={onCompare}
      onOpenFile={onOpenFile}
      narrow={narrow}
    />
  )
  if (narrow) return difference
  const history = (
    <CheckpointList
      id={id}
      list={list}
      error={checkpoints.error}
      isLoading={checkpoints.isPending}
      from={from}
      onPick={(picked) => onCompare(picked, undefined)}
      onMore={checkpoints.hasNextPage ? () => void checkpoints.fetchNextPage() : undefined}
    />
  )
  return <ChangesSplit history={history} difference={difference} />
}

function ChangesSplit({ history, difference }: { history: ReactNode; difference: ReactNode }) {
  const { t } = useTranslation('studio')
  return (
    <Split
      name="changes"
      label={t('changes.resize')}
      initial={30}
      min={18}
      max={60}
      className="h-full"
      first={history}
      second={difference}
    />
  )
}

interface ListProps {
  id: string
  list: readonly Checkpoint[]
  error: unknown
  isLoading: boolean
  from: string | undefined
  onPick: (from: string | undefined) => void
  onMore?: () => void
}

const ICONS: Record<Checkpoint['kind'], ReactNode> = {
  manual: <Bookmark />,
  before_change: <Bot />,
  after_change: <Check />,
  restore: <Undo2 />,
}

function CheckpointList({ id, list, error, isLoading, from, onPick, onMore }: ListProps) {
  const { t } = useTranslation('studio')
  const language = useLanguage()
  const now = useNow(30_000)
  return (
    <div className="flex h-full min-h-0 flex-col">
      <MakeCheckpoint id={id} />
      <div className="min-h-0 flex-1 overflow-y-auto p-1.5">
        {error ? <InlineError error={error} className="mb-2" /> : null}
        {isLoading ? <SkeletonList rows={4} height="h-12" /> : null}
        <ul aria-label={t('changes.checkpoints')} className="flex flex-col gap-0.5">
          <li>
            <Entry
              icon={<History />}
              title={t('changes.session')}
              isChosen={!from}
              onPick={() => onPick(undefined)}
            >
              {t('changes.sessionHint')}
            </Entry>
          </li>
          {list.map((checkpoint) => (
            <li key={checkpoint.id}>
              <Entry
                icon={ICONS[checkpoint.kind]}
                title={checkpoint.label}
                isChosen={from === checkpoint.id}
                onPick={() => onPick(checkpoint.id)}
              >
                <span className="sr-only">{t(`checkpoint.${checkpoint.kind}`)}, </span>
                <time dateTime={checkpoint.createdAt} title={formatDateTime(checkpoint.createdAt, language)}>
                  {formatAgo(checkpoint.createdAt, now, language)}
                </time>
                {' · '}
                {t('changes.files', { count: checkpoint.files })}
              </Entry>
            </li>
          ))}
        </ul>
        {onMore ? (
          <Button variant="ghost" size="sm" className="mt-2 w-full" onClick={onMore}>
            {t('act.more')}
          </Button>
        ) : null}
      </div>
    </div>
  )
}

interface EntryProps {
  icon: ReactNode
  title: string
  isChosen: boolean
  onPick: () => void
  children: ReactNode
}

function Entry({ icon, title, isChosen, onPick, children }: EntryProps) {
  return (
    <button
      type="button"
      aria-pressed={isChosen}
      onClick={onPick}
      className={cn(
        'flex w-full gap-2.5 rounded-lg px-2.5 py-2 text-left -outline-offset-2 transition-colors',
        isChosen ? 'bg-sunken' : 'hover:bg-raised',
      )}
    >
      <span className="mt-0.5 text-muted [&_svg]:size-4" aria-hidden="true">
        {icon}
      </span>
      <span className="min-w-0 flex-1">
        <span className="block truncate text-[0.8125rem] font-medium" title={title}>
          {title}
        </span>
        <span className="block truncate text-xs text-muted">{children}</span>
      </span>
    </button>
  )
}

function MakeCheckpoint({ id }: { id: string }) {
  const { t } = useTranslation('studio')
  const [label, setLabel] = useState('')
  const create = useCreateCheckpoint(id)
  const isSame = create.data?.isNew === false
  return (
    <form
      className="shrink-0 border-b border-line-soft p-2"
      onSubmit={(event) => {
        event.preventDefault()
        create.mutate(label.trim(), {
          onSuccess({ isNew }) {
            if (isNew) setLabel('')
            announce(t(isNew ? 'changes.made' : 'changes.same'))
          },
        })
      }}
    >
      <div className="flex gap-1.5">
        <Input
          aria-label={t('changes.label')}
          placeholder={t('changes.label')}
          value={label}
          maxLength={200}
          onChange={(event) => setLabel(event.target.value)}
          className="!h-8 text-[0.8125rem]"
        />
        <Button
          size="sm"
          type="submit"
          disabled={create.isPending}
          aria-label={t('changes.make')}
          title={t('changes.make')}
        >
          <BookmarkPlus />
        </Button>
      </div>
      {isSame && !create.isPending ? <p className="pt-1.5 text-xs text-muted">{t('changes.same')}</p> : null}
      {create.error ? <InlineError error={create.error} className="mt-2" /> : null}
    </form>
  )
}

interface DifferenceProps extends Props {
  list: readonly Checkpoint[]
  narrow: boolean
}

function Difference({ id, from, to, list, onCompare, onOpenFile, narrow }: DifferenceProps) {
  const { t } = useTranslation('studio')
  const diff = useQuery(diffQuery(id, from, to))
  const [chosen, setChosen] = useState<Layout>(() => readStored<Layout>('diff.layout', 'unified'))
  const layout = narrow ? 'unified' : chosen
  const place = list.findIndex((checkpoint) => checkpoint.id === from)
  const checkpoint = list[place]
  // The list is newest first, so the one after it stands before it.
  const next = place > 0 ? list[place - 1]?.id : undefined
  const files = diff.data?.files ?? []
  const left = (diff.data?.totalFiles ?? 0) - files.length
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex shrink-0 flex-wrap items-center gap-2 border-b border-line-soft px-3 py-1.5">
        {narrow ? (
          <Select<string>
            label={t('changes.since')}
            value={from ?? ''}
            options={[
              { value: '', label: t('changes.session') },
              ...list.map(({ id: value, label }) => ({ value, label })),
            ]}
            onChange={(value) => onCompare(value || undefined, undefined)}
            className="!h-8 min-w-0 flex-1 text-[0.8125rem]"
          />
        ) : (
          <h2 className="min-w-0 flex-1 truncate text-[0.8125rem] font-semibold">
            {checkpoint ? t('changes.sinceThis', { label: checkpoint.label }) : t('changes.session')}
          </h2>
        )}
        {next ? (
          <Segmented<'now' | 'next'>
            label={t('changes.until')}
            value={to ? 'next' : 'now'}
            onChange={(until) => onCompare(from, until === 'next' ? next : undefined)}
            options={[
              { value: 'now', label: t('changes.untilNow') },
              { value: 'next', label: t('changes.untilNext') },
            ]}
          />
        ) : null}
        {narrow ? null : (
          <Segmented<Layout>
            label={t('diff.layout')}
            value={chosen}
            onChange={(value) => {
              setChosen(value)
              keepStored('diff.layout', value)
            }}
            options={[
              { value: 'unified', label: t('diff.unified') },
              { value: 'split', label: t('diff.split') },
            ]}
          />
        )}
        {from ? <Restore id={id} checkpoint={from} label={checkpoint?.label ?? ''} /> : null}
      </div>
      {narrow ? <MakeCheckpoint id={id} /> : null}
      <div className="min-h-0 flex-1 overflow-y-auto p-3">
        {diff.isPending ? <SkeletonList rows={3} /> : null}
        {diff.error ? (
          <ErrorState
            error={diff.error}
            onRetry={() => void diff.refetch()}
            elsewhere={
              <Button onClick={() => onCompare(undefined, undefined)}>{t('changes.session')}</Button>
            }
          />
        ) : null}
        {diff.data && files.length === 0 ? (
          <Notice icon={<FileDiff />} title={t('changes.none')}>
            {t('changes.noneHint')}
          </Notice>
        ) : null}
        <div className="flex flex-col gap-3">
          {files.map((file) => (
            <FileDifference
              key={file.path}
              file={file}
              layout={layout}
              open={files.length <= 20}
              onOpenFile={() => onOpenFile(file.path)}
            />
          ))}
        </div>
        {left > 0 ? <p className="mt-3 text-xs text-muted">{t('changes.left', { count: left })}</p> : null}
      </div>
    </div>
  )
}

/** The way back to a checkpoint. What is there now becomes one first, so it is no way of no return. */
function Restore({ id, checkpoint, label }: { id: string; checkpoint: string; label: string }) {
  const { t } = useTranslation('studio')
  const restore = useRestoreCheckpoint(id)
  return (
    <>
      <Confirm
        trigger={
          <Button size="sm" className="!h-7" disabled={restore.isPending}>
            <RotateCcw /> {t('changes.restore')}
          </Button>
        }
        title={t('changes.restoreTitle', { label })}
        detail={t('changes.restoreDetail')}
        action={t('changes.restore')}
        keep={t('act.cancel')}
        onConfirm={() => restore.mutate(checkpoint, { onSuccess: () => announce(t('changes.restored')) })}
      />
      {restore.data ? (
        <p role="status" className="basis-full text-xs text-good">
          {t('changes.restored')}{' '}
          {t('changes.restoredFiles', { written: restore.data.written, removed: restore.data.removed })}
        </p>
      ) : null}
      {restore.error ? <InlineError error={restore.error} className="basis-full" /> : null}
    </>
  )
}
