/** A list with one item taken from its place and put in before another place. */
export function moveItem<T>(items: readonly T[], from: number, to: number): T[] {
  const moved = [...items]
  const [item] = moved.splice(from, 1)
  if (item === undefined) return moved
  moved.splice(Math.max(0, Math.min(to, moved.length)), 0, item)
  return moved
}

/** In the order of the names; what is not named comes after, as it stands. */
export function inOrder<T extends { name: string }>(items: readonly T[], names: readonly string[]): T[] {
  const place = (item: T) => {
    const at = names.indexOf(item.name)
    return at < 0 ? names.length : at
  }
  return [...items].sort((a, b) => place(a) - place(b))
}
