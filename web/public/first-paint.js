// Runs before the first paint, so that the page never flashes in the wrong theme or language.
// The keys and the rules are those of src/lib/theme.ts and src/lib/i18n/language.ts.
;(() => {
  const root = document.documentElement
  let theme = null
  let language = null
  try {
    theme = localStorage.getItem('atelier.theme')
    language = localStorage.getItem('atelier.language')
  } catch {
    // Storage may be closed to us; the system's choice stands then.
  }
  const dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  root.dataset.theme = dark ? 'dark' : 'light'
  const portuguese = language === 'pt-BR' || (language !== 'en' && /^pt\b/i.test(navigator.language))
  root.lang = portuguese ? 'pt-BR' : 'en'
})()
