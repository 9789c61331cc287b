import { useTranslation } from 'react-i18next'
import { CodeBlock } from '@/components/ui/code-block'

/**
 * Exactly what will be done if someone approves, in full. Text of several lines is shown as it is, and the whole
 * as the JSON the digest was made of.
 */
export function Proposal({ proposal }: { proposal: unknown }) {
  const { t } = useTranslation()
  const parts = readableParts(proposal)
  if (parts.length === 0) return <CodeBlock label={t('gate.proposal')} code={exactText(proposal)} wrap />
  return (
    <div className="flex flex-col gap-3">
      {parts.map((part) => (
        <CodeBlock key={part.name} label={part.name} code={part.text} wrap />
      ))}
      <CodeBlock label={t('gate.exact')} code={exactText(proposal)} wrap />
    </div>
  )
}

function exactText(proposal: unknown): string {
  return typeof proposal === 'string' ? proposal : JSON.stringify(proposal, null, 2)
}

function readableParts(proposal: unknown): { name: string; text: string }[] {
  if (typeof proposal !== 'object' || proposal === null) return []
  return Object.entries(proposal).flatMap(([name, value]) =>
    typeof value === 'string' && value.includes('\n') ? [{ name, text: value }] : [],
  )
}
