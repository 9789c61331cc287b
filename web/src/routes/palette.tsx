import { useQuery } from '@tanstack/react-query'
import type { NavigateOptions } from '@tanstack/react-router'
import {
  Blocks,
  ChartColumn,
  Gauge,
  House,
  Languages,
  LibraryBig,
  ListTree,
  LogOut,
  MessageSquareText,
  Monitor,
  Moon,
  Plug,
  Plus,
  Server,
  SquareTerminal,
  Sun,
} from 'lucide-react'
import { useTranslation } from 'react-i18next'
import CommandPalette, { type PaletteGroup } from '@/features/palette/components/command-palette'
import { runsByStatusQuery } from '@/features/runs/api'
import { useSignOut } from '@/features/session/api'
import { setLanguage } from '@/lib/i18n/setup'
import { themeChoice } from '@/lib/theme'

interface Props {
  open: boolean
  onClose: () => void
  onGo: (to: NavigateOptions) => void
}

export default function Palette({ open, onClose, onGo }: Props) {
  const { t } = useTranslation()
  const runs = useQuery({ ...runsByStatusQuery(undefined, 20), enabled: open })
  const signOut = useSignOut()
  const groups: PaletteGroup[] = [
    {
      id: 'rooms',
      label: t('palette.rooms'),
      items: [
        { id: 'new', label: t('nav.new'), icon: <Plus />, run: () => onGo({ to: '/new' }) },
        { id: 'today', label: t('nav.today'), icon: <House />, run: () => onGo({ to: '/' }) },
        { id: 'runs', label: t('nav.runs'), icon: <ListTree />, run: () => onGo({ to: '/runs' }) },
        { id: 'studio', label: t('nav.studio'), icon: <Blocks />, run: () => onGo({ to: '/studio' }) },
        {
          id: 'memory',
          label: t('nav.memory'),
          icon: <LibraryBig />,
          run: () => onGo({ to: '/memory' }),
        },
        { id: 'code', label: t('nav.code'), icon: <SquareTerminal />, run: () => onGo({ to: '/code' }) },
        {
          id: 'playground',
          label: t('nav.playground'),
          icon: <MessageSquareText />,
          run: () => onGo({ to: '/playground' }),
        },
        { id: 'usage', label: t('nav.usage'), icon: <ChartColumn />, run: () => onGo({ to: '/usage' }) },
        {
          id: 'providers',
          label: t('nav.providers'),
          detail: t('nav.settings'),
          keywords: ['Ollama', 'OpenAI', 'Anthropic', t('goal.model')],
          icon: <Server />,
          run: () => onGo({ to: '/settings/providers' }),
        },
        {
          id: 'limits',
          label: t('nav.limits'),
          detail: t('nav.settings'),
          icon: <Gauge />,
          run: () => onGo({ to: '/settings/limits' }),
        },
        {
          id: 'clients',
          label: t('nav.clients'),
          detail: t('nav.settings'),
          keywords: ['API', 'token', 'OpenAI', 'Anthropic'],
          icon: <Plug />,
          run: () => onGo({ to: '/settings/clients' }),
        },
      ],
    },
    {
      id: 'recent',
      label: t('palette.runs'),
      items: (runs.data ?? []).map((run) => ({
        id: run.id,
        label: run.title,
        icon: <ListTree />,
        detail: t(`status.${run.status}`),
        run: () => onGo({ to: '/runs/$id', params: { id: run.id } }),
      })),
    },
    {
      id: 'settings',
      label: t('palette.settings'),
      items: [
        { id: 'light', label: t('palette.light'), icon: <Sun />, run: () => themeChoice.set('light') },
        { id: 'dark', label: t('palette.dark'), icon: <Moon />, run: () => themeChoice.set('dark') },
        { id: 'system', label: t('palette.system'), icon: <Monitor />, run: () => themeChoice.set('system') },
        {
          id: 'en',
          label: 'English',
          keywords: [t('language.label')],
          icon: <Languages />,
          run: () => void setLanguage('en'),
        },
        {
          id: 'pt',
          label: 'Português (Brasil)',
          keywords: [t('language.label')],
          icon: <Languages />,
          run: () => void setLanguage('pt-BR'),
        },
        { id: 'out', label: t('palette.signOut'), icon: <LogOut />, run: () => signOut.mutate() },
      ],
    },
  ]
  return (
    <CommandPalette open={open} onClose={onClose} groups={groups.filter((group) => group.items.length > 0)} />
  )
}
