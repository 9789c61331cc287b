import { expect, test } from 'vitest'
import { type GraphNode, type GraphSize, layoutGraph } from './graph-layout'

const SIZE: GraphSize = { nodeWidth: 100, nodeHeight: 40, gapX: 20, gapY: 20 }

function graph(edges: Record<string, string[]>): GraphNode[] {
  return Object.entries(edges).map(([name, depends_on]) => ({ name, depends_on }))
}

function layersOf(nodes: GraphNode[]): Record<string, number> {
  return Object.fromEntries(layoutGraph(nodes, SIZE).nodes.map((node) => [node.name, node.layer]))
}

test('a step stands below everything it depends on', () => {
  expect(layersOf(graph({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'], e: ['a', 'd'] }))).toEqual({
    a: 0,
    b: 1,
    c: 1,
    d: 2,
    e: 3,
  })
})

test('steps that name no dependencies follow one another', () => {
  expect(layersOf(graph({ a: [], b: [], c: [] }))).toEqual({ a: 0, b: 1, c: 2 })
})

test('no two steps overlap', () => {
  const { nodes } = layoutGraph(
    graph({ a: [], b: ['a'], c: ['a'], d: ['a'], e: ['b', 'd'], f: ['a', 'e'] }),
    SIZE,
  )
  for (const one of nodes) {
    for (const other of nodes) {
      if (one === other || one.layer !== other.layer) continue
      expect(Math.abs(one.x - other.x)).toBeGreaterThanOrEqual(SIZE.nodeWidth)
    }
  }
})

test('two chains side by side do not cross', () => {
  const { nodes } = layoutGraph(graph({ a: [], x: [], y: ['x'], b: ['a'], z: ['y'], c: ['b'] }), SIZE)
  const x = Object.fromEntries(nodes.map((node) => [node.name, node.x]))
  expect(Math.sign((x.a ?? 0) - (x.x ?? 0))).toBe(Math.sign((x.b ?? 0) - (x.y ?? 0)))
  expect(Math.sign((x.b ?? 0) - (x.y ?? 0))).toBe(Math.sign((x.c ?? 0) - (x.z ?? 0)))
})

test('an edge over several layers has a way of its own', () => {
  const { edges } = layoutGraph(graph({ a: [], b: ['a'], c: ['b', 'a'] }), SIZE)
  expect(edges).toHaveLength(3)
  const long = edges.find((edge) => edge.from === 'a' && edge.to === 'c')
  expect(long?.path.match(/C/g)).toHaveLength(2)
})

test('circles and unknown names do no harm', () => {
  expect(layoutGraph(graph({ a: ['b'], b: ['a'], c: ['nobody', 'c'] }), SIZE).nodes).toHaveLength(3)
  expect(layoutGraph([], SIZE)).toEqual({ nodes: [], edges: [], width: 0, height: 0 })
})

test('a thousand steps are laid out at once', () => {
  const nodes = Array.from({ length: 1_000 }, (_, i) => ({
    name: `s${i}`,
    depends_on: i > 0 ? [`s${i - 1}`] : [],
  }))
  const before = performance.now()
  expect(layoutGraph(nodes, SIZE).height).toBe(1_000 * 60 - 20)
  expect(performance.now() - before).toBeLessThan(1_000)
})
