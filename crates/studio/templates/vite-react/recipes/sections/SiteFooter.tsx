import content from '../content.json'
import { Link } from '../router'
import { routes } from '../routes'
import './SiteFooter.css'

const texts = { pages: 'Pages', contact: 'Contact', email: 'hello@example.com' }

export function SiteFooter() {
  return (
    <footer className="footer">
      <div className="wrap">
        <div className="footer-about">
          <p className="brand">
            <span className="brand-mark" aria-hidden="true" />
            {content.site.name}
          </p>
          <p>{content.site.description}</p>
        </div>
        <nav aria-label={texts.pages}>
          <h2>{texts.pages}</h2>
          <ul>
            {routes.map((route) => (
              <li key={route.path}>
                <Link to={route.path}>{route.label}</Link>
              </li>
            ))}
          </ul>
        </nav>
        <div>
          <h2>{texts.contact}</h2>
          <p>
            <a href={`mailto:${texts.email}`}>{texts.email}</a>
          </p>
        </div>
        <p className="footer-end">{content.site.footer}</p>
      </div>
    </footer>
  )
}
