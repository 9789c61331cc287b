import { expect, test } from 'vitest'
import { addFiles, isTooLarge, MAX_ATTACHED_BYTES, MAX_FILES, refusalOf, toBase64 } from './attach'

test('bytes of any length become base64', () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i % 256)
  expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
  expect(toBase64(new Uint8Array())).toBe('')
})

test('a file with a known name takes the place of the earlier one', () => {
  const file = (name: string, size: number) => ({ name, size })
  expect(addFiles([file('a', 1), file('b', 1)], [file('a', 2)])).toEqual([file('b', 1), file('a', 2)])
})

test('the most that may be attached fits into a request, with room for a long goal', () => {
  const content_base64 = 'A'.repeat(Math.ceil(MAX_ATTACHED_BYTES / 3) * 4)
  const files = [{ name: 'data.bin', content_base64 }]
  expect(isTooLarge({ goal: 'x'.repeat(1_000_000), files })).toBe(false)
  expect(isTooLarge({ goal: '€'.repeat(1_000_000), files })).toBe(true)
})

test.each([
  [[], null],
  [[{ name: 'sales data (2).csv', size: MAX_ATTACHED_BYTES }], null],
  [[{ name: '.env', size: 1 }], 'badName'],
  [[{ name: 'a\\b', size: 1 }], 'badName'],
  [[{ name: `${'a'.repeat(200)}.csv`, size: 1 }], 'badName'],
  [Array.from({ length: MAX_FILES + 1 }, (_, i) => ({ name: `f${i}`, size: 0 })), 'tooMany'],
  [
    [
      { name: 'a', size: MAX_ATTACHED_BYTES },
      { name: 'b', size: 1 },
    ],
    'tooLarge',
  ],
])('what the server would refuse is refused before: %#', (files, expected) => {
  expect(refusalOf(files)?.reason ?? null).toBe(expected)
})
