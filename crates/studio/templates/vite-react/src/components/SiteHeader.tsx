import content from '../content.json'
import { Link } from '../router'
import { routes } from '../routes'

export function SiteHeader({ path }: { path: string }) {
  return (
    <header className="site-header">
      <div className="wrap">
        <Link className="brand" to="/">
          <span className="brand-mark" aria-hidden="true" />
          {content.site.name}
        </Link>
        <nav aria-label={content.site.navigation}>
          <ul className="nav">
            {routes.map((route) => (
              <li key={route.path}>
                <Link to={route.path} aria-current={route.path === path ? 'page' : undefined}>
                  {route.label}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
      </div>
    </header>
  )
}
