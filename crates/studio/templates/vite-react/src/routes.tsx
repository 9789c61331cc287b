import type { ComponentType } from 'react'
import content from './content.json'
import { AboutPage } from './pages/About'
import { HomePage } from './pages/Home'
// atelier:imports

export interface Route {
  /** Where the page is, from the start of the site. */
  path: string
  /** What the navigation calls it. */
  label: string
  Page: ComponentType
}

/** Every page of the site, in the order of the navigation. */
export const routes: Route[] = [
  { path: '/', label: content.home.label, Page: HomePage },
  { path: '/about', label: content.about.label, Page: AboutPage },
  // atelier:routes
]
