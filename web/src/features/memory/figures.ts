/** Figures of a score as people read them. */
import { formatNumber } from '@/lib/format'

/** What is added says so, as does what is taken away. */
export function formatShare(value: number, language: string): string {
  const format = { minimumFractionDigits: 2, maximumFractionDigits: 3, signDisplay: 'exceptZero' } as const
  return new Intl.NumberFormat(language, format).format(value)
}

export function formatPercent(share: number, language: string): string {
  return `${formatNumber(share * 100, language)} %`
}
