import { useEffect } from 'react'
import { SiteFooter } from './components/SiteFooter'
import { SiteHeader } from './components/SiteHeader'
import content from './content.json'
import { NotFoundPage } from './pages/NotFound'
import { usePath } from './router'
import { routes } from './routes'

/** The frame around every page, and the choice of the page by its path. */
export function App() {
  const path = usePath()
  const route = routes.find((route) => route.path === path)
  const label = route?.label ?? content.notFound.title
  const Page = route?.Page ?? NotFoundPage

  useEffect(() => {
    document.documentElement.lang = content.site.language
    document.title = path === '/' ? content.site.name : `${label} – ${content.site.name}`
  }, [path, label])

  return (
    <>
      <a className="skip" href="#main">
        {content.site.skip}
      </a>
      <SiteHeader path={path} />
      <main id="main">
        <Page />
      </main>
      <SiteFooter />
    </>
  )
}
