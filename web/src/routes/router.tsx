import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import { CODE_LANGUAGES, LIMITS_S } from '@/features/code/api'
import type { CodeViewState } from '@/features/code/components/code-runner'
import { EXAMPLES, type Example } from '@/features/goals/examples'
import {
  COLLECTION_FIELDS,
  DOCUMENT_FIELDS,
  IMPORT_FIELDS,
  LOG_KINDS,
  type LogViewState,
  SEARCH_FIELDS,
} from '@/features/memory/views'
import {
  type PlaygroundViewState,
  type ProvidersViewState,
  RANGES,
  type UsageViewState,
} from '@/features/models/views'
import { OUTCOMES, POLICIES } from '@/features/models/wire'
import { RUN_STATUSES, type RunFilters } from '@/features/runs/api'
import { RUN_TABS, type RunViewState } from '@/features/runs/run-tabs'
import { PANELS, type StudioViewState } from '@/features/studio/views'
import { loadTexts } from '@/lib/i18n/setup'
import { BrokenRoute, NotFoundRoute, PendingRoute } from './fallbacks'
import { Root } from './root'
import { oneOf, textOf, textsOf } from './search'
import { TodayRoute } from './today'

const root = createRootRoute({ component: Root, notFoundComponent: NotFoundRoute })

const today = createRoute({ getParentRoute: () => root, path: '/', component: TodayRoute })

const runs = createRoute({
  getParentRoute: () => root,
  path: '/runs',
  validateSearch: (search): RunFilters => ({
    status: oneOf(search, 'status', RUN_STATUSES),
    workflow: textOf(search, 'workflow'),
    q: textOf(search, 'q'),
  }),
  component: lazyRouteComponent(() => import('./runs'), 'RunsRoute'),
})

const run = createRoute({
  getParentRoute: () => root,
  path: '/runs/$id',
  validateSearch: (search): RunViewState => ({
    tab: oneOf(search, 'tab', RUN_TABS),
    step: textOf(search, 'step'),
    file: textOf(search, 'file', 1_000),
  }),
  component: lazyRouteComponent(() => import('./run'), 'RunRoute'),
})

const newGoal = createRoute({
  getParentRoute: () => root,
  path: '/new',
  validateSearch: (search): { example?: Example } => ({ example: oneOf(search, 'example', EXAMPLES) }),
  component: lazyRouteComponent(() => import('./new-goal'), 'NewGoalRoute'),
})

const code = createRoute({
  getParentRoute: () => root,
  path: '/code',
  validateSearch: (search): CodeViewState => ({
    language: oneOf(search, 'language', CODE_LANGUAGES),
    limit: oneOf(search, 'limit', LIMITS_S),
    q: textOf(search, 'q'),
  }),
  component: lazyRouteComponent(() => import('./code'), 'CodeRoute'),
})

/** A room whose texts are fetched together with it. */
function withTexts<Room>(
  texts: 'models' | 'studio' | 'memory',
  load: () => Promise<Room>,
): () => Promise<Room> {
  return async () => {
    const [room] = await Promise.all([load(), loadTexts(texts)])
    return room
  }
}

const loadSettings = withTexts('models', () => import('./settings'))

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: lazyRouteComponent(loadSettings, 'SettingsRoute'),
})

const settingsStart = createRoute({
  getParentRoute: () => settings,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/settings/providers', replace: true })
  },
})

const providers = createRoute({
  getParentRoute: () => settings,
  path: '/providers',
  validateSearch: (search): ProvidersViewState => ({
    add: textOf(search, 'add'),
    edit: textOf(search, 'edit'),
  }),
  component: lazyRouteComponent(loadSettings, 'ProvidersRoute'),
})

const limits = createRoute({
  getParentRoute: () => settings,
  path: '/limits',
  component: lazyRouteComponent(loadSettings, 'LimitsRoute'),
})

const clients = createRoute({
  getParentRoute: () => settings,
  path: '/clients',
  component: lazyRouteComponent(loadSettings, 'ClientsRoute'),
})

const playground = createRoute({
  getParentRoute: () => root,
  path: '/playground',
  validateSearch: (search): PlaygroundViewState => ({
    model: textOf(search, 'model'),
    policy: oneOf(search, 'policy', POLICIES),
    local: oneOf(search, 'local', ['1']),
  }),
  component: lazyRouteComponent(
    withTexts('models', () => import('./playground')),
    'PlaygroundRoute',
  ),
})

const usage = createRoute({
  getParentRoute: () => root,
  path: '/usage',
  validateSearch: (search): UsageViewState => ({
    range: oneOf(search, 'range', RANGES),
    provider: textOf(search, 'provider'),
    token: textOf(search, 'token'),
    outcome: oneOf(search, 'outcome', OUTCOMES),
  }),
  component: lazyRouteComponent(
    withTexts('models', () => import('./usage')),
    'UsageRoute',
  ),
})

const loadStudio = withTexts('studio', () => import('./studio'))

const studioList = createRoute({
  getParentRoute: () => root,
  path: '/studio',
  component: lazyRouteComponent(loadStudio, 'StudioListRoute'),
})

const studio = createRoute({
  getParentRoute: () => root,
  path: '/studio/$sessionId',
  validateSearch: (search): StudioViewState => ({
    panel: oneOf(search, 'panel', PANELS),
    file: textOf(search, 'file', 4_096),
    line: textOf(search, 'line'),
    from: textOf(search, 'from'),
    to: textOf(search, 'to'),
  }),
  component: lazyRouteComponent(loadStudio, 'StudioRoute'),
})

const loadMemory = withTexts('memory', () => import('./memory'))

const memory = createRoute({
  getParentRoute: () => root,
  path: '/memory',
  component: lazyRouteComponent(loadMemory, 'MemoryRoute'),
})

const memorySearch = createRoute({
  getParentRoute: () => memory,
  path: '/',
  validateSearch: (search) => textsOf(search, SEARCH_FIELDS),
  component: lazyRouteComponent(loadMemory, 'MemorySearchRoute'),
})

const collections = createRoute({
  getParentRoute: () => memory,
  path: '/collections',
  component: lazyRouteComponent(loadMemory, 'CollectionsRoute'),
})

const collection = createRoute({
  getParentRoute: () => memory,
  path: '/collections/$name',
  validateSearch: (search) => textsOf(search, COLLECTION_FIELDS),
  component: lazyRouteComponent(loadMemory, 'CollectionRoute'),
})

const document = createRoute({
  getParentRoute: () => memory,
  path: '/documents/$documentId',
  validateSearch: (search) => textsOf(search, DOCUMENT_FIELDS),
  component: lazyRouteComponent(loadMemory, 'DocumentRoute'),
})

const logs = createRoute({
  getParentRoute: () => memory,
  path: '/log',
  validateSearch: (search): LogViewState => ({
    kind: oneOf(search, 'kind', LOG_KINDS),
    q: textOf(search, 'q', 1_000),
  }),
  component: lazyRouteComponent(loadMemory, 'LogsRoute'),
})

const importing = createRoute({
  getParentRoute: () => memory,
  path: '/import',
  validateSearch: (search) => textsOf(search, IMPORT_FIELDS),
  component: lazyRouteComponent(loadMemory, 'ImportRoute'),
})

const rooms = [
  today,
  studioList,
  studio,
  memory.addChildren([memorySearch, collections, collection, document, logs, importing]),
  runs,
  run,
  newGoal,
  code,
  playground,
  usage,
  settings.addChildren([settingsStart, providers, limits, clients]),
]

export const router = createRouter({
  routeTree: root.addChildren(rooms),
  defaultErrorComponent: BrokenRoute,
  defaultPendingComponent: PendingRoute,
  defaultPreload: 'intent',
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
