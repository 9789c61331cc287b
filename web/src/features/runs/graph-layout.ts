/**
 * Places the steps of a run on layers, each below all it depends on, so that edges only ever go down.
 * The method is Sugiyama's: longest-path layers, invisible way-points where an edge crosses a layer, and a few
 * barycentre sweeps against crossings.
 */

export interface GraphNode {
  name: string
  depends_on: readonly string[]
}

export interface PlacedNode {
  name: string
  layer: number
  /** Top left corner. */
  x: number
  y: number
}

export interface PlacedEdge {
  from: string
  to: string
  /** An SVG path. */
  path: string
}

export interface GraphLayout {
  nodes: PlacedNode[]
  edges: PlacedEdge[]
  width: number
  height: number
}

export interface GraphSize {
  nodeWidth: number
  nodeHeight: number
  gapX: number
  gapY: number
}

const SWEEPS = 6

interface Cell {
  key: string
  node: GraphNode | null
  layer: number
  width: number
  above: Cell[]
  below: Cell[]
  x: number
}

export function layoutGraph(input: readonly GraphNode[], size: GraphSize): GraphLayout {
  const nodes = withOrder(input)
  const layers = layerOf(nodes)
  const { cells, routes } = cellsOf(nodes, layers, size)
  const rows = rowsOf(cells)
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) orderRows(rows, sweep % 2 === 0)
  const width = placeRows(rows, size)
  const step = size.nodeHeight + size.gapY
  const placed: PlacedNode[] = []
  for (const name of nodes.map((node) => node.name)) {
    const cell = cells.get(name)
    if (cell) placed.push({ name, layer: cell.layer, x: cell.x - size.nodeWidth / 2, y: cell.layer * step })
  }
  const edges = routes.map((route) => edgeOf(route, size, step))
  const height = rows.length === 0 ? 0 : rows.length * step - size.gapY
  return { nodes: placed, edges, width, height }
}

/**
 * A workflow that names no dependencies at all does its steps one after the other, so they are drawn as a chain.
 * Dependencies on steps that are not there are left out.
 */
function withOrder(input: readonly GraphNode[]): GraphNode[] {
  const names = new Set(input.map((node) => node.name))
  const known = input.map((node) => ({
    name: node.name,
    depends_on: [...new Set(node.depends_on)].filter((name) => names.has(name) && name !== node.name),
  }))
  if (known.some((node) => node.depends_on.length > 0)) return known
  return known.map((node, index) => {
    const before = known[index - 1]
    return { name: node.name, depends_on: before ? [before.name] : [] }
  })
}

/** The longest way down to each node. A circle, which a valid plan has not, is cut where it closes. */
function layerOf(nodes: readonly GraphNode[]): Map<string, number> {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const layers = new Map<string, number>()
  const open = new Set<string>()
  const visit = (name: string): number => {
    const known = layers.get(name)
    if (known !== undefined) return known
    if (open.has(name)) return -1
    open.add(name)
    let layer = 0
    for (const dependency of byName.get(name)?.depends_on ?? [])
      layer = Math.max(layer, visit(dependency) + 1)
    open.delete(name)
    layers.set(name, layer)
    return layer
  }
  for (const node of nodes) visit(node.name)
  return layers
}

type Route = { from: string; to: string; cells: Cell[] }

function cellsOf(nodes: readonly GraphNode[], layers: Map<string, number>, size: GraphSize) {
  const cells = new Map<string, Cell>()
  const make = (key: string, node: GraphNode | null, layer: number): Cell => {
    const cell = {
      key,
      node,
      layer,
      width: node ? size.nodeWidth : size.gapX / 2,
      above: [],
      below: [],
      x: 0,
    }
    cells.set(key, cell)
    return cell
  }
  for (const node of nodes) make(node.name, node, layers.get(node.name) ?? 0)
  const routes: Route[] = []
  for (const node of nodes) {
    for (const dependency of node.depends_on) {
      const start = cells.get(dependency)
      const end = cells.get(node.name)
      if (!start || !end || start.layer >= end.layer) continue
      const way = [start]
      for (let layer = start.layer + 1; layer < end.layer; layer += 1) {
        way.push(make(`${dependency}\u0000${node.name}\u0000${layer}`, null, layer))
      }
      way.push(end)
      for (const [index, cell] of way.entries()) {
        const next = way[index + 1]
        if (!next) continue
        cell.below.push(next)
        next.above.push(cell)
      }
      routes.push({ from: dependency, to: node.name, cells: way })
    }
  }
  return { cells, routes }
}

function rowsOf(cells: Map<string, Cell>): Cell[][] {
  const rows: Cell[][] = []
  for (const cell of cells.values()) {
    while (rows.length <= cell.layer) rows.push([])
    rows[cell.layer]?.push(cell)
  }
  return rows
}

function orderRows(rows: Cell[][], down: boolean): void {
  const order = down ? rows : [...rows].reverse()
  const rank = new Map<Cell, number>()
  for (const row of rows) for (const [index, cell] of row.entries()) rank.set(cell, index)
  for (const row of order) {
    const weight = (cell: Cell): number => {
      const others = down ? cell.above : cell.below
      if (others.length === 0) return rank.get(cell) ?? 0
      return others.reduce((sum, other) => sum + (rank.get(other) ?? 0), 0) / others.length
    }
    const weights = new Map(row.map((cell) => [cell, weight(cell)]))
    row.sort((a, b) => (weights.get(a) ?? 0) - (weights.get(b) ?? 0))
    for (const [index, cell] of row.entries()) rank.set(cell, index)
  }
}

/** Each row is centred on the widest one, so that a chain runs straight down the middle. */
function placeRows(rows: Cell[][], size: GraphSize): number {
  const widthOf = (row: Cell[]) =>
    row.reduce((sum, cell) => sum + cell.width, 0) + Math.max(0, row.length - 1) * size.gapX
  const width = Math.max(0, ...rows.map(widthOf))
  for (const row of rows) {
    let x = (width - widthOf(row)) / 2
    for (const cell of row) {
      cell.x = x + cell.width / 2
      x += cell.width + size.gapX
    }
  }
  return width
}

function edgeOf(route: Route, size: GraphSize, step: number): PlacedEdge {
  let path = ''
  for (const [index, cell] of route.cells.entries()) {
    const next = route.cells[index + 1]
    if (!next) break
    const top = cell.layer * step + size.nodeHeight
    const bottom = next.layer * step
    const bend = (bottom - top) / 2
    if (path === '') path = `M${cell.x} ${top}`
    path += `C${cell.x} ${top + bend} ${next.x} ${bottom - bend} ${next.x} ${bottom}`
    if (!next.node) path += `V${bottom + size.nodeHeight}`
  }
  return { from: route.from, to: route.to, path }
}
