import { expect, test } from 'vitest'
import { formatAgo, formatBytes, formatDuration, formatScore, formatUsd } from './format'

test.each([
  [0, 'en', '0 ms'],
  [840, 'en', '840 ms'],
  [4_240, 'en', '4.2 s'],
  [4_240, 'pt-BR', '4,2 s'],
  [59_990, 'en', '1 min'],
  [185_000, 'en', '3 min 5 s'],
  [7_800_000, 'en', '2 h 10 min'],
])('a duration of %d ms in %s is %s', (ms, language, expected) => {
  expect(formatDuration(ms, language)).toBe(expected)
})

test.each([
  [312, '312 B'],
  [4_123, '4.1 kB'],
  [999_700, '1 MB'],
  [23_000_000, '23 MB'],
])('%d bytes are %s', (bytes, expected) => {
  expect(formatBytes(bytes, 'en')).toBe(expected)
})

test('small amounts of money keep digits that matter', () => {
  expect(formatUsd(0.0042, 'en')).toBe('$0.0042')
  expect(formatUsd(3, 'en')).toBe('$3.00')
})

test('scores all have as many digits', () => {
  expect(formatScore(1, 'en')).toBe('1.00')
  expect(formatScore(-0.126, 'pt-BR')).toBe('-0,13')
})

test('times are told from now', () => {
  const now = Date.parse('2026-01-10T12:00:00Z')
  expect(formatAgo('2026-01-10T11:57:00Z', now, 'en')).toBe('3 minutes ago')
  expect(formatAgo('2026-01-10T11:57:00Z', now, 'pt-BR')).toBe('há 3 minutos')
  expect(formatAgo('2026-01-10T12:00:00Z', now, 'en')).toBe('now')
})
