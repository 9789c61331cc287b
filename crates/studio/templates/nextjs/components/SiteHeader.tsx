'use client'

import Link from 'next/link'
import { usePathname } from 'next/navigation'
import content from '@/content.json'
import { routes } from '@/routes'

export function SiteHeader() {
  const path = usePathname()
  return (
    <header className="site-header">
      <div className="wrap">
        <Link className="brand" href="/">
          <span className="brand-mark" aria-hidden="true" />
          {content.site.name}
        </Link>
        <nav aria-label={content.site.navigation}>
          <ul className="nav">
            {routes.map((route) => (
              <li key={route.path}>
                <Link href={route.path} aria-current={route.path === path ? 'page' : undefined}>
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
