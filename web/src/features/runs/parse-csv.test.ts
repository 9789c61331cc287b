import { expect, test } from 'vitest'
import { parseCsv } from './parse-csv'

test.each<[string, string, string[][]]>([
  [
    'plain',
    'a,b\n1,2\n',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  [
    'no last line break',
    'a,b\r\n1,2',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  [
    'quotes',
    '"a ""x""","b\nc"\n1,""\n',
    [
      ['a "x"', 'b\nc'],
      ['1', ''],
    ],
  ],
  [
    'semicolons',
    'a;b\n1,5;2\n',
    [
      ['a', 'b'],
      ['1,5', '2'],
    ],
  ],
  [
    'tabs',
    'a\tb\n1\t2\n',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  ['a byte order mark', '\ufeffa,b\n', [['a', 'b']]],
  ['empty cells at the end', 'a,b,\n', [['a', 'b', '']]],
  ['nothing', '', []],
])('reads %s', (_, text, expected) => {
  expect(parseCsv(text, 100)).toEqual({ rows: expected, more: false })
})

test('stops at the limit and says that there is more', () => {
  expect(parseCsv('a\nb\nc\n', 2)).toEqual({ rows: [['a'], ['b']], more: true })
  expect(parseCsv('a\nb\n', 2)).toEqual({ rows: [['a'], ['b']], more: false })
})
