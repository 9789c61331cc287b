import { describe, expect, test } from 'vitest'
import { diffTexts, type Hunk, pairsOf, parsePatch } from './line-diff'

const PATCH = `--- a/x
+++ b/x
@@ -1,3 +1,4 @@ function x()
 one
-two
+TWO
+two and a half
 three
@@ -10 +11 @@
-ten
\\ No newline at end of file
+TEN
`

const SIGN = { same: ' ', added: '+', removed: '-' }
const text = (hunks: Hunk[]) => hunks.map(({ lines }) => lines.map((line) => SIGN[line.kind] + line.text))

describe('a patch', () => {
  test('is read with its numbers', () => {
    const [first, second] = parsePatch(PATCH)
    expect(first?.heading).toBe('function x()')
    expect(first?.lines.map((line) => [line.kind, line.old, line.new])).toEqual([
      ['same', 1, 1],
      ['removed', 2, null],
      ['added', null, 2],
      ['added', null, 3],
      ['same', 3, 4],
    ])
    expect(second?.lines.map((line) => [line.old, line.new])).toEqual([
      [10, null],
      [null, 11],
    ])
  })

  test('without any hunk is empty', () => expect(parsePatch('')).toEqual([]))
})

test('side by side, what was removed stands next to what came in its place', () => {
  const pairs = pairsOf(parsePatch(PATCH)[0]?.lines ?? [])
  expect(pairs.map(({ left, right }) => [left?.text ?? null, right?.text ?? null])).toEqual([
    ['one', 'one'],
    ['two', 'TWO'],
    [null, 'two and a half'],
    ['three', 'three'],
  ])
})

describe('the difference of two texts', () => {
  function check(before: string, after: string, expected: string[][]) {
    expect(text(diffTexts(before, after))).toEqual(expected)
  }
  test('equal texts', () => check('a\nb\n', 'a\nb\n', []))
  test('a new text', () => check('', 'a\nb\n', [['+a', '+b']]))
  test('a text that is gone', () => check('a\n', '', [['-a']]))
  test('a changed line with what is around it', () => {
    check('1\n2\n3\n4\n5\n6\n7\n8\n9\n', '1\n2\n3\n4\nX\n6\n7\n8\n9\n', [
      [' 2', ' 3', ' 4', '-5', '+X', ' 6', ' 7', ' 8'],
    ])
  })
  test('changes that are far apart stand apart', () => {
    const lines = Array.from({ length: 30 }, (_, at) => String(at))
    const changed = lines.map((line) => (line === '2' || line === '25' ? `${line}!` : line))
    expect(diffTexts(lines.join('\n'), changed.join('\n'))).toHaveLength(2)
  })
  test('no shorter way is left', () => {
    const lines = diffTexts('a\nb\nc\na\nb\nb\na\n', 'c\nb\na\nb\na\nc\n').flatMap((hunk) => hunk.lines)
    expect(lines.filter((line) => line.kind !== 'same')).toHaveLength(5)
  })

  test('whatever differs, taking one side gives one text', () => {
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return seed % below
    }
    for (let round = 0; round < 200; round += 1) {
      const make = () => Array.from({ length: random(12) }, () => 'abc'[random(3)] ?? '')
      const [before, after] = [make(), make()]
      const lines = diffTexts(before.join('\n'), after.join('\n')).flatMap((hunk) => hunk.lines)
      // Within three lines of a change is everything, in texts as short as these, or nothing differs.
      if (lines.length === 0) continue
      for (const line of lines) {
        if (line.old !== null) expect(before[line.old - 1]).toBe(line.text)
        if (line.new !== null) expect(after[line.new - 1]).toBe(line.text)
      }
      const removed = lines.filter((line) => line.kind === 'removed').length
      const added = lines.filter((line) => line.kind === 'added').length
      expect(before.length - removed).toBe(after.length - added)
    }
  })
})
