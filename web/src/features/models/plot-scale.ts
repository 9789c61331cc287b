/** The arithmetic of plots. */

/**
 * Round numbers from 0 to at least `max`, about as many as are asked for; the last one is the top of the axis. What is
 * counted has whole ones only.
 */
export function niceTicks(max: number, whole = false, wanted = 4): number[] {
  if (!(max > 0) || !Number.isFinite(max)) return [0, 1]
  const rough = max / wanted
  const power = 10 ** Math.floor(Math.log10(rough))
  const fitting = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10) * power
  const step = whole ? Math.ceil(fitting) : fitting
  const count = Math.ceil(max / step - 1e-9)
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)))
}

/** Where the parts of one bar begin and end, one on the other. */
export function stack(values: readonly number[]): { from: number; to: number }[] {
  let top = 0
  return values.map((value) => {
    const from = top
    top += value
    return { from, to: top }
  })
}

/** Which of `count` columns is under a place on an axis of a length. */
export function columnAt(place: number, length: number, count: number): number {
  if (count === 0 || length <= 0) return 0
  return Math.max(0, Math.min(count - 1, Math.floor((place / length) * count)))
}

/** Which columns are named below the axis: the last one, and back from there as many as have room. */
export function labelledColumns(count: number, length: number, room: number): number[] {
  const every = Math.max(1, Math.ceil(room / (length / Math.max(1, count))))
  const columns: number[] = []
  for (let column = count - 1; column >= 0; column -= every) columns.unshift(column)
  return columns
}

/** Lines through the points that are there; where one is missing the line is broken. A lone point gives none. */
export function linesThrough(points: readonly ({ x: number; y: number } | null)[]): string[] {
  const lines: string[] = []
  let current: string[] = []
  const end = () => {
    if (current.length > 1) lines.push(`M${current.join('L')}`)
    current = []
  }
  for (const point of points) {
    if (point) current.push(`${round(point.x)},${round(point.y)}`)
    else end()
  }
  end()
  return lines
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
