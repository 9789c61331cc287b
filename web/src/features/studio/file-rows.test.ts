import { expect, test } from 'vitest'
import { ancestorsOf, moveInTree, type TreeMove, visibleRows } from './file-rows'
import type { FileEntry } from './wire'

const entry = (path: string, type: FileEntry['type']): FileEntry => {
  return { name: path.slice(path.lastIndexOf('/') + 1), path, type, size: 0 }
}
const LISTINGS = new Map([
  ['', [entry('public', 'dir'), entry('src', 'dir'), entry('index.html', 'file')]],
  ['src', [entry('src/components', 'dir'), entry('src/App.tsx', 'file')]],
])
const ROWS = visibleRows(LISTINGS, new Set(['src', 'src/components']))

test('only what stands in open folders is a row', () => {
  expect(ROWS.map(({ entry: { path }, level }) => [path, level])).toEqual([
    ['public', 1],
    ['src', 1],
    ['src/components', 2],
    ['src/App.tsx', 2],
    ['index.html', 1],
  ])
  expect(visibleRows(LISTINGS, new Set())).toHaveLength(3)
})

test('a row knows its place among its siblings, and whether its folder is on its way', () => {
  expect(ROWS[3]).toMatchObject({ place: 2, count: 2, loading: false })
  expect(ROWS[2]).toMatchObject({ expanded: true, loading: true })
})

test('keys move as in any tree', () => {
  function check(at: number, key: string, expected: TreeMove) {
    expect(moveInTree(ROWS, at, key), `${key} at ${at}`).toEqual(expected)
  }
  check(0, 'ArrowDown', { kind: 'go', to: 1 })
  check(0, 'ArrowUp', null)
  check(4, 'ArrowDown', null)
  check(0, 'End', { kind: 'go', to: 4 })
  check(0, 'ArrowRight', { kind: 'toggle', path: 'public' })
  check(1, 'ArrowRight', { kind: 'go', to: 2 })
  check(2, 'ArrowRight', null)
  check(3, 'ArrowLeft', { kind: 'go', to: 1 })
  check(1, 'ArrowLeft', { kind: 'toggle', path: 'src' })
  check(0, 'ArrowLeft', null)
  check(3, 'Enter', { kind: 'open', path: 'src/App.tsx' })
  check(1, 'Enter', { kind: 'toggle', path: 'src' })
  check(0, 'i', { kind: 'go', to: 4 })
  check(4, 'p', { kind: 'go', to: 0 })
  check(0, 'z', null)
})

test('all folders above a path are named', () => {
  expect(ancestorsOf('a/b/c.ts')).toEqual(['a', 'a/b'])
  expect(ancestorsOf('c.ts')).toEqual([])
})
