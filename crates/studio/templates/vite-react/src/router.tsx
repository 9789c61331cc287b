import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from 'react'

// The folder the site is served from: "" at the top, "/preview" below that folder.
const base = import.meta.env.BASE_URL.replace(/\/$/, '')

function subscribe(changed: () => void) {
  window.addEventListener('popstate', changed)
  return () => window.removeEventListener('popstate', changed)
}

function currentPath() {
  const path = window.location.pathname
  const inside = path.startsWith(base) ? path.slice(base.length) : path
  return inside.replace(/\/+$/, '') || '/'
}

/** The path of the page that is shown, without the base and without a slash at its end. */
export function usePath() {
  return useSyncExternalStore(subscribe, currentPath, () => '/')
}

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  /** A path of `routes.tsx`. */
  to: string
}

/** A link to a page of this site, which opens without loading everything again. */
export function Link({ to, onClick, ...rest }: LinkProps) {
  function open(event: MouseEvent<HTMLAnchorElement>) {
    onClick?.(event)
    const elsewhere = event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey
    if (event.defaultPrevented || elsewhere) return
    event.preventDefault()
    window.history.pushState(null, '', base + to)
    window.dispatchEvent(new PopStateEvent('popstate'))
    window.scrollTo(0, 0)
  }
  return <a href={base + to} onClick={open} {...rest} />
}
