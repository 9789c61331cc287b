import { useTranslation } from 'react-i18next'

/** The language in use, for the formatters. */
export function useLanguage(): string {
  return useTranslation().i18n.language
}
