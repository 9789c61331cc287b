import { expect, test } from 'vitest'
import { oneOf, textOf } from './search'

test('what is not known in an address is left out', () => {
  expect(oneOf({ tab: 'log' }, 'tab', ['steps', 'log'])).toBe('log')
  expect(oneOf({ tab: 'nope' }, 'tab', ['steps', 'log'])).toBeUndefined()
  expect(oneOf({ limit: 5 }, 'limit', ['1', '5'])).toBe('5')
  expect(textOf({ q: { a: 1 } }, 'q')).toBeUndefined()
  expect(textOf({ q: '' }, 'q')).toBeUndefined()
  expect(textOf({ q: 42 }, 'q')).toBe('42')
  expect(textOf({ q: 'x'.repeat(500) }, 'q')).toHaveLength(200)
})
