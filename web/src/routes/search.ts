/** Reading what stands in the address. What is not known is left out, so that no link can break a page. */

type Search = Record<string, unknown>

export function oneOf<T extends string>(search: Search, name: string, allowed: readonly T[]): T | undefined {
  const value = search[name]
  return allowed.find((candidate) => candidate === String(value))
}

export function textOf(search: Search, name: string, maxLength = 200): string | undefined {
  const value = search[name]
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  return String(value).slice(0, maxLength) || undefined
}

/** Several texts, as long as an address may reasonably be. */
export function textsOf<Name extends string>(
  search: Search,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const texts: Partial<Record<Name, string>> = {}
  for (const name of names) texts[name] = textOf(search, name, 2_000)
  return texts
}
