/** How a search ranks and what it shows: how many hits, what stands around each, the model that orders the best of
 * them anew, and the weights that differ from the defaults. Only what differs is sent. */
import { FEATURES } from './wire'

export const TOP_K = [5, 10, 20, 50] as const
export const DEFAULT_TOP_K = 10
/** How many chunks are shown before a hit and behind it. */
export const NEIGHBOURS = [0, 1, 2, 3] as const
const LONGEST_MODEL = 200
export const WEIGHT_RANGE = { least: -1, most: 2, step: 0.01 }

export interface Settings {
  topK: number
  neighbours: number
  /** Which model grades the best hits; the preferred one where it is empty, none where there is nothing. */
  rerank: string | null
  weights: Readonly<Record<string, number>>
}

export const DEFAULT_SETTINGS: Settings = { topK: DEFAULT_TOP_K, neighbours: 0, rerank: null, weights: {} }

const NONE = 'default'

/** In one text: `k:20,around:1,rerank:openai,similarity:1.5`. Settings that are all default have a word of their own. */
export function writeSettings({ topK, neighbours, rerank, weights }: Settings): string {
  const known = FEATURES.filter((feature) => weights[feature] !== undefined)
  const parts = known.map((feature) => `${feature}:${weights[feature]}`)
  if (rerank !== null) parts.unshift(`rerank:${encodeURIComponent(rerank)}`)
  if (neighbours > 0) parts.unshift(`around:${neighbours}`)
  if (topK !== DEFAULT_TOP_K) parts.unshift(`k:${topK}`)
  return parts.join(',') || NONE
}

/** What cannot be read is left as it is by default. */
export function readSettings(text: string | undefined): Settings {
  const weights: Record<string, number> = {}
  let topK: number = DEFAULT_TOP_K
  let neighbours = 0
  let rerank: string | null = null
  for (const part of (text ?? '').split(',')) {
    const [, name, written] = /^([a-z]+):(-?\d+(?:\.\d+)?)$/.exec(part) ?? []
    const value = Number(written)
    if (part.startsWith('rerank:')) rerank = model(part.slice('rerank:'.length)) ?? rerank
    const feature = FEATURES.find((known) => known === name)
    if (name === 'k') topK = TOP_K.find((count) => count === value) ?? topK
    else if (name === 'around') neighbours = NEIGHBOURS.find((count) => count === value) ?? neighbours
    else if (feature && value >= WEIGHT_RANGE.least && value <= WEIGHT_RANGE.most) {
      weights[feature] = rounded(value)
    }
  }
  return { topK, neighbours, rerank, weights }
}

/** The name of a model as it was before it was written. */
function model(written: string): string | null {
  try {
    const name = decodeURIComponent(written).trim()
    return name.length <= LONGEST_MODEL ? name : null
  } catch {
    return null
  }
}

/** Changes one weight. One that is as by default again is no longer said. */
export function withWeight(settings: Settings, feature: string, value: number, byDefault: number): Settings {
  const { [feature]: _, ...others } = settings.weights
  const next = rounded(value)
  const weights = next === rounded(byDefault) ? others : { ...others, [feature]: next }
  return { ...settings, weights }
}

export function isDefault({ topK, neighbours, rerank, weights }: Settings): boolean {
  const isBare = neighbours === 0 && rerank === null
  return topK === DEFAULT_TOP_K && isBare && Object.keys(weights).length === 0
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
