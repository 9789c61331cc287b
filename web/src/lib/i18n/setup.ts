import { createInstance } from 'i18next'
import { initReactI18next } from 'react-i18next'
import { type Language, startLanguage } from './language'

const KEY = 'atelier.language'

// Only the language in use is loaded; the other one is a file of its own. So are the texts of rooms that not
// everybody enters: the first page would be too heavy with them.
const texts = {
  translation: { en: () => import('./en.json'), 'pt-BR': () => import('./pt-BR.json') },
  models: { en: () => import('./models/en.json'), 'pt-BR': () => import('./models/pt-BR.json') },
  studio: { en: () => import('./studio/en.json'), 'pt-BR': () => import('./studio/pt-BR.json') },
  memory: { en: () => import('./memory/en.json'), 'pt-BR': () => import('./memory/pt-BR.json') },
} satisfies Record<string, Record<Language, () => Promise<{ default: object }>>>

type Namespace = keyof typeof texts
const wanted = new Set<Namespace>(['translation'])

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
  const { default: translation } = await texts.translation[language]()
  await i18n.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    resources: { [language]: { translation } },
    interpolation: { escapeValue: false },
    returnNull: false,
  })
  document.documentElement.lang = language
}

/** Fetches the texts of a room before it is entered; from then on they come with every language. */
export async function loadTexts(namespace: Namespace): Promise<void> {
  wanted.add(namespace)
  await addTexts(namespace, i18n.language as Language)
}

async function addTexts(namespace: Namespace, language: Language): Promise<void> {
  if (i18n.hasResourceBundle(language, namespace)) return
  const { default: found } = await texts[namespace][language]()
  i18n.addResourceBundle(language, namespace, found)
}

/** Changes the language of everything on screen, and remembers it. */
export async function setLanguage(language: Language): Promise<void> {
  await Promise.all([...wanted].map((namespace) => addTexts(namespace, language)))
  await i18n.changeLanguage(language)
  document.documentElement.lang = language
  try {
    localStorage.setItem(KEY, language)
  } catch {
    // The choice then lasts as long as the page.
  }
}
