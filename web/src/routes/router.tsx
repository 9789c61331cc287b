import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { CODE_LANGUAGES, LIMITS_S } from '@/features/code/api'
import type { CodeViewState } from '@/features/code/components/code-runner'
import { EXAMPLES, type Example } from '@/features/goals/examples'
import { RUN_STATUSES, type RunFilters } from '@/features/runs/api'
import { RUN_TABS, type RunViewState } from '@/features/runs/run-tabs'
import { BrokenRoute, NotFoundRoute, PendingRoute } from './fallbacks'
import { Root } from './root'
import { oneOf, textOf } from './search'
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

export const router = createRouter({
  routeTree: root.addChildren([today, runs, run, newGoal, code]),
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
