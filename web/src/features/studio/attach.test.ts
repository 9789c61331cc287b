import { expect, test } from 'vitest'
import { attachFiles, MAX_BYTES, MAX_FILES } from './attach'

const file = (name: string, content: string | Uint8Array<ArrayBuffer>) => new File([content], name)

test('text files come along, one of the same name takes the place of the earlier', async () => {
  const first = await attachFiles([], [file('a.md', 'ä')])
  expect(first).toEqual([{ name: 'a.md', content: 'ä' }])
  expect(await attachFiles([{ name: 'a.md', content: 'old' }], [file('a.md', 'new')])).toEqual([
    { name: 'a.md', content: 'new' },
  ])
})

test('what is no text is refused by name', async () => {
  expect(await attachFiles([], [file('x.png', new Uint8Array([0x89, 0xff, 0xfe]))])).toEqual({
    reason: 'notText',
    name: 'x.png',
  })
  expect(await attachFiles([], [file('x.bin', 'a\0b')])).toEqual({ reason: 'notText', name: 'x.bin' })
})

test('the limits hold for all files together', async () => {
  const half = { name: 'half', content: 'x'.repeat(MAX_BYTES / 2) }
  expect(await attachFiles([half], [file('b', 'x'.repeat(MAX_BYTES / 2))])).toHaveLength(2)
  expect(await attachFiles([half], [file('b', 'x'.repeat(MAX_BYTES / 2 + 1))])).toEqual({
    reason: 'tooLarge',
    name: 'b',
  })
  const many = Array.from({ length: MAX_FILES + 1 }, (_, at) => file(String(at), ''))
  expect(await attachFiles([], many)).toEqual({ reason: 'tooMany' })
})
