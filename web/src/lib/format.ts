/** Numbers, times and sizes as a person in the given language reads them. */

const formatters = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat | Intl.RelativeTimeFormat>()

function cached<T extends Intl.DateTimeFormat | Intl.NumberFormat | Intl.RelativeTimeFormat>(
  key: string,
  make: () => T,
): T {
  const found = formatters.get(key)
  if (found) return found as T
  const made = make()
  formatters.set(key, made)
  return made
}

export function formatNumber(value: number, language: string, digits = 0): string {
  return cached(`n${digits}${language}`, () => {
    return new Intl.NumberFormat(language, { maximumFractionDigits: digits })
  }).format(value)
}

/** With two digits after the point, so that figures below one another can be compared. */
export function formatScore(value: number, language: string): string {
  return cached(`s${language}`, () => {
    return new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 })
  }).format(value)
}

export function formatUsd(value: number, language: string): string {
  const digits = value > 0 && value < 0.1 ? 4 : 2
  return cached(`u${digits}${language}`, () => {
    return new Intl.NumberFormat(language, {
      style: 'currency',
      currency: 'USD',
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    })
  }).format(value)
}

export function formatDateTime(time: string | number, language: string): string {
  return cached(`dt${language}`, () => {
    return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
  }).format(new Date(time))
}

export function formatLongDate(time: Date, language: string): string {
  return cached(`ld${language}`, () => {
    return new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long' })
  }).format(time)
}

export function formatClock(time: string | number, language: string): string {
  return cached(`c${language}`, () => {
    return new Intl.DateTimeFormat(language, {
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    })
  }).format(new Date(time))
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

/** "3 minutes ago"; from a week on the date, since nobody counts in days there. */
export function formatAgo(time: string, now: number, language: string): string {
  const seconds = (Date.parse(time) - now) / 1_000
  if (Math.abs(seconds) > 7 * 86_400) return formatDateTime(time, language)
  const format = cached(`r${language}`, () => new Intl.RelativeTimeFormat(language, { numeric: 'auto' }))
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit)
  }
  return format.format(0, 'second')
}

/** A length of time, in at most two units: "840 ms", "4.2 s", "3 min 5 s", "2 h 10 min". */
export function formatDuration(ms: number, language: string): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 59_950) return `${formatNumber(ms / 1_000, language, 1)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return units(Math.floor(seconds / 60), 'min', seconds % 60, 's')
  return units(Math.floor(seconds / 3_600), 'h', Math.floor((seconds % 3_600) / 60), 'min')
}

function units(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}

/** A size in bytes: "312 B", "4.1 kB", "2.3 MB". */
export function formatBytes(bytes: number, language: string): string {
  if (bytes < 1_000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = bytes / 1_000
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000
    unit += 1
  }
  return `${formatNumber(value, language, value < 10 ? 1 : 0)} ${units[unit]}`
}
