import { Monitor, Moon, Sun } from 'lucide-react'
import { useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { Segmented } from '@/components/ui/segmented'
import type { Language } from '@/lib/i18n/language'
import { setLanguage } from '@/lib/i18n/setup'
import { type Theme, themeChoice } from '@/lib/theme'

export function ThemeSwitch() {
  const { t } = useTranslation()
  const theme = useSyncExternalStore(themeChoice.subscribe, themeChoice.current)
  return (
    <Segmented<Theme>
      label={t('theme.label')}
      value={theme}
      iconsOnly
      onChange={themeChoice.set}
      options={[
        { value: 'system', label: t('theme.system'), icon: <Monitor /> },
        { value: 'light', label: t('theme.light'), icon: <Sun /> },
        { value: 'dark', label: t('theme.dark'), icon: <Moon /> },
      ]}
    />
  )
}

export function LanguageSwitch() {
  const { t, i18n } = useTranslation()
  return (
    <Segmented<Language>
      label={t('language.label')}
      value={i18n.language as Language}
      onChange={(language) => void setLanguage(language)}
      options={[
        { value: 'en', label: 'EN' },
        { value: 'pt-BR', label: 'PT' },
      ]}
    />
  )
}
