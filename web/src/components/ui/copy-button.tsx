import { Check, Copy } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { announce } from '@/lib/announce'

/** Copies a text; a function is asked for it only then. */
export function CopyButton({ text }: { text: string | (() => string) }) {
  const { t } = useTranslation()
  const [copied, setCopied] = useState(false)
  async function copy() {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : text())
    } catch {
      return
    }
    setCopied(true)
    announce(t('action.copied'))
    setTimeout(() => setCopied(false), 1_500)
  }
  return (
    <button
      type="button"
      onClick={copy}
      className="inline-flex size-7 items-center justify-center rounded-md text-muted hover:bg-sunken hover:text-ink [&_svg]:size-3.5"
      aria-label={t('action.copy')}
    >
      {copied ? <Check /> : <Copy />}
    </button>
  )
}
