export const RUN_TABS = ['steps', 'log', 'files', 'plan', 'context'] as const
export type RunTab = (typeof RUN_TABS)[number]

/** The place of the tabs on the page, for links that lead there. */
export const RUN_VIEWS = 'views'

/** What of a run is in view. It stands in the address, so that a link shows the same. */
export interface RunViewState {
  tab?: RunTab
  step?: string
  file?: string
}
