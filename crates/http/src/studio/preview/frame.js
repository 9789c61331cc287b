// Tells the Studio, in whose frame this page is, what goes wrong on it. Outside a frame it does nothing.
;(() => {
  if (window.parent === window) return
  const LONGEST = 4000
  const cut = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)} […]` : text)
  const tell = (message) => window.parent.postMessage({ source: 'atelier-preview', ...message }, '*')
  const shown = (value) => {
    if (value instanceof Error) return value.stack || String(value)
    if (typeof value === 'string') return value
    try {
      return JSON.stringify(value) ?? String(value)
    } catch {
      return String(value)
    }
  }
  addEventListener(
    'error',
    (event) => {
      const resource = event.target !== window && (event.target?.src || event.target?.href)
      tell({
        kind: 'error',
        level: 'error',
        message: cut(resource ? `Could not be loaded: ${resource}` : event.message || 'Error'),
        at: event.filename ? `${event.filename}:${event.lineno}` : undefined,
        stack: event.error?.stack ? cut(event.error.stack) : undefined,
      })
    },
    true,
  )
  addEventListener('unhandledrejection', (event) => {
    tell({ kind: 'error', level: 'error', message: cut(shown(event.reason)) })
  })
  for (const level of ['error', 'warn']) {
    const before = console[level]
    console[level] = (...values) => {
      tell({ kind: 'console', level, message: cut(values.map(shown).join(' ')) })
      before.apply(console, values)
    }
  }
  const where = () => tell({ kind: 'page', url: location.pathname + location.search + location.hash, title: document.title })
  addEventListener('load', where)
  addEventListener('popstate', where)
  addEventListener('message', (event) => {
    if (event.source !== window.parent || event.data?.target !== 'atelier-preview') return
    if (event.data.action === 'back') history.back()
    if (event.data.action === 'forward') history.forward()
  })
})()
