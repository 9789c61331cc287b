import { getRouteApi } from '@tanstack/react-router'
import { RunView } from '@/features/runs/components/run-view'

const route = getRouteApi('/runs/$id')

export function RunRoute() {
  const { id } = route.useParams()
  const view = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <RunView
      key={id}
      id={id}
      view={view}
      onView={(next) => void navigate({ search: next, replace: true, resetScroll: false })}
      onOpenRun={(other) => void navigate({ to: '/runs/$id', params: { id: other }, search: {} })}
    />
  )
}
