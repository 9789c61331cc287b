/** What of the Studio stands in the address. */
export const PANELS = ['chat', 'preview', 'files', 'changes', 'logs'] as const
export type Panel = (typeof PANELS)[number]

export interface StudioViewState {
  panel?: Panel
  /** The open file, and the line to go to. */
  file?: string
  line?: string
  /** The checkpoint that differences begin with; without it, the whole session. */
  from?: string
  /** The checkpoint they end with; without it, what is there now. */
  to?: string
}
