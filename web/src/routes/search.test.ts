import { expect, test } from 'vitest'
import { oneOf, textOf, textsOf } from './search'

test('what is not known in an address is left out', () => {
  expect(oneOf({ tab: 'log' }, 'tab', ['steps', 'log'])).toBe('log')
  expect(oneOf({ tab: 'nope' }, 'tab', ['steps', 'log'])).toBeUndefined()
  expect(oneOf({ limit: 5 }, 'limit', ['1', '5'])).toBe('5')
  expect(textOf({ q: { a: 1 } }, 'q')).toBeUndefined()
  expect(textOf({ q: '' }, 'q')).toBeUndefined()
  expect(textOf({ q: 42 }, 'q')).toBe('42')
  expect(textOf({ q: 'x'.repeat(500) }, 'q')).toHaveLength(200)
})

test('several texts are read at once, and nothing else', () => {
  const search = { q: 'oven', pack: 4_000, b: { k: 1 }, f: '', other: 'x', a: 'y'.repeat(3_000) }
  const texts = textsOf(search, ['q', 'pack', 'b', 'f', 'a'])
  expect({ ...texts, a: texts.a?.length }).toEqual({ q: 'oven', pack: '4000', a: 2_000 })
})
