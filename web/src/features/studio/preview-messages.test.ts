import { expect, test } from 'vitest'
import { addProblem, previewAddress, readPreviewMessage } from './preview-messages'

const source = 'atelier-preview'

test('errors and warnings of the previewed page are read', () => {
  expect(readPreviewMessage({ source, kind: 'error', message: 'broken', stack: 'at x' })).toEqual({
    kind: 'problem',
    level: 'error',
    message: 'broken',
    stack: 'at x',
  })
  expect(readPreviewMessage({ source, kind: 'console', level: 'warn', message: 'careful' })).toMatchObject({
    level: 'warning',
  })
  expect(readPreviewMessage({ source, kind: 'page', url: '/menu' })).toEqual({
    kind: 'location',
    path: '/menu',
  })
})

test('whatever else a page sends is left alone', () => {
  for (const data of [
    null,
    'error',
    { kind: 'error', message: 'x' },
    { source: 'other', kind: 'error', message: 'x' },
    { source, kind: 'console', level: 'log', message: 'x' },
    { source, kind: 'error', message: { html: '<b>' } },
    { source, kind: 'page', url: 7 },
  ]) {
    expect(readPreviewMessage(data), JSON.stringify(data)).toBeNull()
  }
  expect(readPreviewMessage({ source, kind: 'error', message: 'x'.repeat(9_000) })).toMatchObject({
    message: 'x'.repeat(4_000),
  })
})

test('the same problem again is counted', () => {
  const one = { level: 'error' as const, message: 'broken', stack: null }
  const twice = addProblem(addProblem([], one), one)
  expect(twice).toEqual([{ ...one, count: 2 }])
  expect(addProblem(twice, { ...one, level: 'warning' })).toHaveLength(2)
})

test('an address stays within the app and keeps what lets one in', () => {
  const url = 'http://ses_x-5173.localhost:8080/?atelier_preview=abc'
  expect(previewAddress(url, '/menu?day=1')).toBe(
    'http://ses_x-5173.localhost:8080/menu?day=1&atelier_preview=abc',
  )
  expect(previewAddress(url, 'menu')).toBe('http://ses_x-5173.localhost:8080/menu?atelier_preview=abc')
  expect(previewAddress(url, 'http://elsewhere.test/')).toBeNull()
  expect(previewAddress(url, '//elsewhere.test/')).toBeNull()
  expect(previewAddress(url, 'javascript:alert(1)')).toBeNull()
})
