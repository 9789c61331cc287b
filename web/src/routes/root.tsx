import { useQuery } from '@tanstack/react-query'
import { Outlet, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useState } from 'react'
import { runsByStatusQuery } from '@/features/runs/api'
import { useLiveRuns } from '@/features/runs/use-live-runs'
import { sessionQuery } from '@/features/session/api'
import { SessionGate } from '@/features/session/components/session-gate'
import { AppShell } from '@/features/shell/components/app-shell'
import { ConnectionBanner } from '@/features/shell/components/connection-banner'

const Palette = lazy(() => import('./palette'))

export function Root() {
  return (
    <SessionGate banner={<ConnectionBanner />}>
      <Rooms />
    </SessionGate>
  )
}

function Rooms() {
  const navigate = useNavigate()
  const session = useQuery(sessionQuery)
  const waiting = useQuery(runsByStatusQuery('waiting_approval', 50))
  const [palette, setPalette] = useState({ open: false, wanted: false })
  useLiveRuns()
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        setPalette((before) => ({ open: !before.open, wanted: true }))
      }
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])

  return (
    <>
      <ConnectionBanner />
      <AppShell
        version={session.data?.version ?? ''}
        waiting={waiting.data?.reduce((sum, run) => sum + Math.max(1, run.waiting_gates), 0) ?? 0}
        onPalette={() => setPalette({ open: true, wanted: true })}
      >
        <Outlet />
      </AppShell>
      {palette.wanted ? (
        <Suspense fallback={null}>
          <Palette
            open={palette.open}
            onClose={() => setPalette({ open: false, wanted: true })}
            onGo={(to) => void navigate(to)}
          />
        </Suspense>
      ) : null}
    </>
  )
}
