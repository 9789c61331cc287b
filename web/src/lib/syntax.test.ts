import { expect, test } from 'vitest'
import { tokensOf } from './syntax'

const looks = (code: string, language: string) =>
  tokensOf(code, language)
    .filter((token) => token.look !== '')
    .map((token) => token.text)

test.each([
  ['python', 'for x in [1]:\n\tprint("ä", x)  # all\n', ['for', 'in', '1', '"ä"', '# all']],
  ['javascript', 'const a = 1 // one', ['const', 'a', '1', '// one']],
  ['shell', 'if true; then echo "hi"; fi # ok', ['if', 'then', '"hi"', 'fi', '# ok']],
  ['cobol', 'IF A', []],
])('parts of %s are told apart', (language, code, expected) => {
  expect(looks(code, language)).toEqual(expect.arrayContaining(expected))
  if (expected.length === 0) expect(looks(code, language)).toEqual([])
})

test.each(['', '\n\n', 'a = """\n  b', 'x\r\ny\r\n', 'echo $((1 +\n', '\u0000💡\n\n'])(
  'nothing of %j is lost',
  (code) => {
    for (const language of ['python', 'javascript', 'shell', 'cobol']) {
      expect(
        tokensOf(code, language)
          .map((token) => token.text)
          .join(''),
      ).toBe(code)
    }
  },
)
