import content from '../content.json'

export function SiteFooter() {
  return (
    <footer className="site-footer">
      <div className="wrap">
        <p>{content.site.footer}</p>
      </div>
    </footer>
  )
}
