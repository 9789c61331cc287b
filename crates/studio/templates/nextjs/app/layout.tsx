import type { Metadata } from 'next'
import type { ReactNode } from 'react'
import { SiteFooter } from '@/components/SiteFooter'
import { SiteHeader } from '@/components/SiteHeader'
import content from '@/content.json'
import './theme.css'
import './style.css'

export const metadata: Metadata = {
  title: { default: content.site.name, template: `%s – ${content.site.name}` },
  description: content.site.description,
}

/** The frame around every page. */
export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang={content.site.language} data-scroll-behavior="smooth">
      <body>
        <div className="site">
          <a className="skip" href="#main">
            {content.site.skip}
          </a>
          <SiteHeader />
          <main id="main">{children}</main>
          <SiteFooter />
        </div>
      </body>
    </html>
  )
}
