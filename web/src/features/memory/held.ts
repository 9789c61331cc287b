import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { deleteDocument, forgetDocument, refreshMemory } from './api'
import { HeldDeletes, type HeldDocument } from './held-deletes'

/** One for the whole page: what is held stays so when one goes to another room. */
const held = new HeldDeletes()
addEventListener('pagehide', () => held.leave())

export const undoDelete = (id: string): void => held.undo(id)
export const pauseDelete = (id: string): void => held.pause(id)
export const resumeDelete = (id: string): void => held.resume(id)

/** The documents that were deleted and can still be taken back. */
export function useHeldDeletes(): readonly HeldDocument[] {
  return useSyncExternalStore(held.subscribe, held.current)
}

export function useDeleteDocument(): (document: HeldDocument) => void {
  const client = useQueryClient()
  return (document) => held.add(document, (id, isLeaving) => removeNow(client, id, isLeaving))
}

async function removeNow(client: QueryClient, id: string, isLeaving: boolean): Promise<void> {
  await deleteDocument(id, isLeaving)
  if (isLeaving) return
  forgetDocument(client, id)
  await refreshMemory(client)
}
