import { useState } from 'react'
import content from '../content.json'
import { Link } from '../router'
import { routes } from '../routes'
import './SiteHeader.css'

const texts = { menu: 'Menu', action: 'Get started' }

/** Stays at the top while the page moves; on a small screen the pages are behind a button. */
export function SiteHeader({ path }: { path: string }) {
  const [isOpen, setOpen] = useState(false)

  return (
    <header className="navbar">
      <div className="wrap">
        <Link className="brand" to="/">
          <span className="brand-mark" aria-hidden="true" />
          {content.site.name}
        </Link>
        <button
          className="navbar-menu"
          type="button"
          aria-expanded={isOpen}
          aria-controls="navigation"
          onClick={() => setOpen(!isOpen)}
        >
          {texts.menu}
        </button>
        <nav id="navigation" aria-label={content.site.navigation} data-open={isOpen}>
          <ul className="nav">
            {routes.map((route) => (
              <li key={route.path}>
                <Link
                  to={route.path}
                  aria-current={route.path === path ? 'page' : undefined}
                  onClick={() => setOpen(false)}
                >
                  {route.label}
                </Link>
              </li>
            ))}
          </ul>
          <a className="button" href="#main">
            {texts.action}
          </a>
        </nav>
      </div>
    </header>
  )
}
