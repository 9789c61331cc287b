/** A line of a difference. Numbers count from 1; a line that was added has no old one, and so on. */
export interface DiffLine {
  kind: 'same' | 'added' | 'removed'
  text: string
  old: number | null
  new: number | null
}

export interface Hunk {
  /** What the unified format says about where it is, behind the second `@@`. */
  heading: string
  lines: DiffLine[]
}

/** Reads a patch in the unified format, of one file. */
export function parsePatch(patch: string): Hunk[] {
  const hunks: Hunk[] = []
  let [oldLine, newLine] = [0, 0]
  for (const line of patch.replace(/\n$/, '').split('\n')) {
    const head = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$/.exec(line)
    if (head) {
      oldLine = Number(head[1])
      newLine = Number(head[2])
      hunks.push({ heading: head[3] ?? '', lines: [] })
      continue
    }
    const lines = hunks.at(-1)?.lines
    // Before the first hunk stand the names; "\ No newline at end of file" is no line.
    if (!lines || line.startsWith('\\')) continue
    const text = line.slice(1)
    if (line.startsWith('+')) lines.push({ kind: 'added', text, old: null, new: newLine++ })
    else if (line.startsWith('-')) lines.push({ kind: 'removed', text, old: oldLine++, new: null })
    else lines.push({ kind: 'same', text, old: oldLine++, new: newLine++ })
  }
  return hunks
}

/** A line beside the one it became. */
export interface Pair {
  left: DiffLine | null
  right: DiffLine | null
}

/** The lines side by side: what was removed stands next to what was added in its place. */
export function pairsOf(lines: readonly DiffLine[]): Pair[] {
  const pairs: Pair[] = []
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]
    if (line?.kind === 'same') {
      pairs.push({ left: line, right: line })
      at += 1
      continue
    }
    const removed = takeKind(lines, at, 'removed')
    const added = takeKind(lines, at + removed.length, 'added')
    for (let row = 0; row < Math.max(removed.length, added.length); row += 1) {
      pairs.push({ left: removed[row] ?? null, right: added[row] ?? null })
    }
    at += removed.length + added.length
  }
  return pairs
}

function takeKind(lines: readonly DiffLine[], from: number, kind: DiffLine['kind']): DiffLine[] {
  let end = from
  while (lines[end]?.kind === kind) end += 1
  return lines.slice(from, end)
}

/** More edits than this are not searched for: the texts then count as wholly different. */
const MOST_EDITS = 1_500
const CONTEXT = 3

/** What differs between two texts, as a patch would show it. */
export function diffTexts(before: string, after: string): Hunk[] {
  return hunksOf(diffLines(linesOf(before), linesOf(after)))
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1
  let end = 0
  const most = Math.min(before.length, after.length) - start
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1
  const same = (text: string, at: number, shift: number): DiffLine => {
    return { kind: 'same', text, old: at + 1, new: at + 1 + shift }
  }
  const middle = edits(before.slice(start, before.length - end), after.slice(start, after.length - end))
  const numbered = middle.map((line) => ({
    ...line,
    old: line.old === null ? null : line.old + start,
    new: line.new === null ? null : line.new + start,
  }))
  const shift = after.length - before.length
  const tail = before.length - end
  return [
    ...before.slice(0, start).map((text, at) => same(text, at, 0)),
    ...numbered,
    ...before.slice(tail).map((text, at) => same(text, tail + at, shift)),
  ]
}

/** The shortest way from one text to the other: E. W. Myers, An O(ND) Difference Algorithm, 1986. */
function edits(before: readonly string[], after: readonly string[]): DiffLine[] {
  const [n, m] = [before.length, after.length]
  let reach = new Map<number, number>([[1, 0]])
  const trace: Map<number, number>[] = []
  for (let d = 0; d <= Math.min(n + m, MOST_EDITS); d += 1) {
    trace.push(reach)
    reach = new Map(reach)
    for (let k = -d; k <= d; k += 2) {
      let x = goesDown(reach, k, d) ? (reach.get(k + 1) ?? 0) : (reach.get(k - 1) ?? 0) + 1
      while (x < n && x - k < m && before[x] === after[x - k]) x += 1
      reach.set(k, x)
      if (x >= n && x - k >= m) return wayBack(trace, before, after)
    }
  }
  return [
    ...before.map((text, at): DiffLine => ({ kind: 'removed', text, old: at + 1, new: null })),
    ...after.map((text, at): DiffLine => ({ kind: 'added', text, old: null, new: at + 1 })),
  ]
}

function goesDown(reach: Map<number, number>, k: number, d: number): boolean {
  return k === -d || (k !== d && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1))
}

function wayBack(
  trace: Map<number, number>[],
  before: readonly string[],
  after: readonly string[],
): DiffLine[] {
  const lines: DiffLine[] = []
  let [x, y] = [before.length, after.length]
  for (let d = trace.length - 1; d >= 0; d -= 1) {
    const reach = trace[d] ?? new Map<number, number>()
    const k = x - y
    const from = goesDown(reach, k, d) ? k + 1 : k - 1
    const fromX = reach.get(from) ?? 0
    const fromY = fromX - from
    while (x > Math.max(0, fromX) && y > Math.max(0, fromY)) {
      lines.push({ kind: 'same', text: before[x - 1] ?? '', old: x, new: y })
      x -= 1
      y -= 1
    }
    if (d === 0) break
    if (x === fromX) lines.push({ kind: 'added', text: after[y - 1] ?? '', old: null, new: y })
    else lines.push({ kind: 'removed', text: before[x - 1] ?? '', old: x, new: null })
    x = fromX
    y = fromY
  }
  return lines.reverse()
}

function hunksOf(lines: readonly DiffLine[]): Hunk[] {
  const near = new Set<number>()
  lines.forEach((line, at) => {
    if (line.kind === 'same') return
    for (let place = at - CONTEXT; place <= at + CONTEXT; place += 1) near.add(place)
  })
  const hunks: Hunk[] = []
  lines.forEach((line, at) => {
    if (!near.has(at)) return
    if (!near.has(at - 1) || hunks.length === 0) hunks.push({ heading: '', lines: [] })
    hunks.at(-1)?.lines.push(line)
  })
  return hunks
}
