import content from '@/content.json'

export interface Route {
  /** Where the page is: its folder below `app/`. */
  path: string
  /** What the navigation calls it. */
  label: string
}

/** Every page that the navigation shows, in its order. */
export const routes: Route[] = [
  { path: '/', label: content.home.label },
  { path: '/about', label: content.about.label },
  // atelier:routes
]
