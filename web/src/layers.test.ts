import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

// Imports flow lib → components → features → routes; a feature never imports another feature, and only
// lib/wire.ts knows the generated types.

type File = { name: string; imports: string[] }

function rank(name: string): number {
  return ['gen/', 'lib/', 'styles/', 'components/', 'features/', 'routes/'].findIndex((folder) =>
    name.startsWith(folder),
  )
}

function feature(name: string): string | undefined {
  return /^features\/([^/]+)\//.exec(name)?.[1]
}

function violations({ name, imports }: File): string[] {
  return imports
    .filter((target) => {
      if (target.startsWith('gen/')) return name !== 'lib/wire.ts'
      if (target.startsWith('styles/')) return false
      if (rank(target) > rank(name)) return true
      return feature(target) !== undefined && feature(name) !== undefined && feature(target) !== feature(name)
    })
    .map((target) => `${name} imports ${target}`)
}

test('imports only flow downwards', () => {
  const names = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  const files = names
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.test.ts') && rank(name) >= 0)
    .map((name) => {
      const text = readFileSync(`${import.meta.dirname}/${name}`, 'utf8')
      const imports = [...text.matchAll(/(?:from|import\()\s*'(@\/|\.[^']*\/)([^']+)'/g)].map(
        ([, base, rest]) => (base === '@/' ? (rest ?? '') : join(dirname(name), base ?? '', rest ?? '')),
      )
      return { name, imports }
    })
  expect(files.length).toBeGreaterThan(50)
  expect(files.flatMap(violations)).toEqual([])
})

test('a wrong import is seen', () => {
  expect(violations({ name: 'lib/http.ts', imports: ['features/runs/api'] })).toHaveLength(1)
  expect(violations({ name: 'features/goals/api.ts', imports: ['features/runs/api'] })).toHaveLength(1)
  expect(violations({ name: 'features/goals/api.ts', imports: ['gen/api'] })).toHaveLength(1)
  expect(violations({ name: 'features/goals/api.ts', imports: ['lib/http'] })).toHaveLength(0)
})
