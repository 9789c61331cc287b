import { expect, test } from 'vitest'
import { addAttachments, toBase64 } from './attach'

test('bytes of any length become base64', () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i % 256)
  expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
  expect(toBase64(new Uint8Array())).toBe('')
})

test('a file with a known name takes the place of the earlier one', () => {
  const file = (name: string, size: number) => ({ name, size, content_base64: '' })
  expect(addAttachments([file('a', 1), file('b', 1)], [file('a', 2)])).toEqual([file('b', 1), file('a', 2)])
})
