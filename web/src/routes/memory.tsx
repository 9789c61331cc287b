import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, Outlet } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { ErrorState } from '@/components/states/notices'
import { Page } from '@/components/states/page'
import { buttonClass } from '@/components/ui/button'
import { SkeletonList } from '@/components/ui/skeleton'
import { documentQuery } from '@/features/memory/api'
import { CollectionsView } from '@/features/memory/components/collections-view'
import { DeleteDocument } from '@/features/memory/components/delete-document'
import { DeleteNotices } from '@/features/memory/components/delete-notices'
import { DocumentList } from '@/features/memory/components/document-list'
import { DocumentView } from '@/features/memory/components/document-view'
import { ImportView } from '@/features/memory/components/import-view'
import { LogsView } from '@/features/memory/components/logs-view'
import { MemoryNav } from '@/features/memory/components/memory-nav'
import { SearchView } from '@/features/memory/components/search-view'
import { titleOf } from '@/features/memory/names'
import { providersQuery } from '@/features/models/api'

/** All rooms of memory; what was deleted can be taken back in each of them. */
export function MemoryRoute() {
  return (
    <>
      <Outlet />
      <DeleteNotices />
    </>
  )
}

const search = getRouteApi('/memory/')

export function MemorySearchRoute() {
  const { t } = useTranslation('memory')
  const view = search.useSearch()
  const usable = (useQuery(providersQuery).data ?? []).filter((provider) => provider.enabled)
  const navigate = search.useNavigate()
  return (
    <Page title={t('memory.title')} detail={t('memory.lead')} wide>
      <MemoryNav />
      <SearchView
        view={view}
        models={usable.map(({ name, title, model }) => ({ value: name, label: `${title} · ${model}` }))}
        onView={(change) =>
          void navigate({
            search: (before) => ({ ...before, ...change }),
            replace: true,
            resetScroll: false,
          })
        }
      />
    </Page>
  )
}

export function CollectionsRoute() {
  const { t } = useTranslation('memory')
  return (
    <Page title={t('memory.collections')} eyebrow={t('memory.title')} wide>
      <MemoryNav />
      <CollectionsView />
    </Page>
  )
}

const collection = getRouteApi('/memory/collections/$name')

export function CollectionRoute() {
  const { t } = useTranslation('memory')
  const { name } = collection.useParams()
  const view = collection.useSearch()
  const navigate = collection.useNavigate()
  return (
    <Page
      title={name}
      eyebrow={<Back to="/memory/collections">{t('memory.collections')}</Back>}
      actions={
        <Link to="/memory/import" search={{ to: name }} className={buttonClass()}>
          {t('find.import')}
        </Link>
      }
      wide
    >
      <DocumentList
        key={name}
        collection={name}
        view={view}
        onView={(next) => void navigate({ search: next, replace: true, resetScroll: false })}
      />
    </Page>
  )
}

const document = getRouteApi('/memory/documents/$documentId')

export function DocumentRoute() {
  const { t } = useTranslation('memory')
  const { documentId } = document.useParams()
  const view = document.useSearch()
  const navigate = document.useNavigate()
  const { data, error, refetch } = useQuery(documentQuery(documentId))
  const back = data ? (
    <Link
      to="/memory/collections/$name"
      params={{ name: data.collection }}
      className="rounded text-link underline underline-offset-2"
    >
      {data.collection}
    </Link>
  ) : (
    <Back to="/memory">{t('memory.title')}</Back>
  )
  return (
    <Page
      title={data ? titleOf(data) : t('document.title')}
      eyebrow={back}
      actions={
        data ? (
          <DeleteDocument
            document={data}
            onDeleted={() =>
              void navigate({ to: '/memory/collections/$name', params: { name: data.collection } })
            }
          />
        ) : null
      }
      wide
    >
      {data ? (
        <DocumentView key={documentId} document={data} view={view} />
      ) : error ? (
        <ErrorState
          error={error}
          onRetry={() => void refetch()}
          elsewhere={
            <Link to="/memory" className={buttonClass('primary')}>
              {t('memory.title')}
            </Link>
          }
        />
      ) : (
        <SkeletonList rows={5} height="h-28" />
      )}
    </Page>
  )
}

const logs = getRouteApi('/memory/log')

export function LogsRoute() {
  const { t } = useTranslation('memory')
  const view = logs.useSearch()
  const navigate = logs.useNavigate()
  return (
    <Page title={t('memory.logs')} eyebrow={t('memory.title')} wide>
      <MemoryNav />
      <LogsView
        view={view}
        onView={(next) => void navigate({ search: next, replace: true, resetScroll: false })}
      />
    </Page>
  )
}

const importing = getRouteApi('/memory/import')

export function ImportRoute() {
  const { t } = useTranslation('memory')
  const { to } = importing.useSearch()
  return (
    <Page title={t('memory.import')} eyebrow={t('memory.title')} wide>
      <MemoryNav />
      <ImportView collection={to} />
    </Page>
  )
}

function Back({ to, children }: { to: '/memory' | '/memory/collections'; children: string }) {
  return (
    <Link to={to} className="rounded text-link underline underline-offset-2">
      {children}
    </Link>
  )
}
