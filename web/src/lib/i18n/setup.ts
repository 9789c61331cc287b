import { createInstance } from 'i18next'
import { initReactI18next } from 'react-i18next'
import { type Language, startLanguage } from './language'

const KEY = 'atelier.language'

// Only the language in use is loaded; the other one is a file of its own.
const texts: Record<Language, () => Promise<{ default: object }>> = {
  en: () => import('./en.json'),
  'pt-BR': () => import('./pt-BR.json'),
}

export const i18n = createInstance()

function storedLanguage(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}

/** Loads the texts of the language to begin with. Nothing is drawn before this is done. */
export async function setupI18n(): Promise<void> {
  const language = startLanguage(storedLanguage(), navigator.language)
  const { default: translation } = await texts[language]()
  await i18n.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    resources: { [language]: { translation } },
    interpolation: { escapeValue: false },
    returnNull: false,
  })
  document.documentElement.lang = language
}

/** Changes the language of everything on screen, and remembers it. */
export async function setLanguage(language: Language): Promise<void> {
  if (!i18n.hasResourceBundle(language, 'translation')) {
    const { default: translation } = await texts[language]()
    i18n.addResourceBundle(language, 'translation', translation)
  }
  await i18n.changeLanguage(language)
  document.documentElement.lang = language
  try {
    localStorage.setItem(KEY, language)
  } catch {
    // The choice then lasts as long as the page.
  }
}
