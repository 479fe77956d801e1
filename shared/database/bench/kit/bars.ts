import { type Bar, type Result, statOf } from './result.ts'
import { ratio } from './statistics.ts'
import { renderNumber } from './table.ts'

interface Where {
  scenario: string
  variant: string
  metric: string
  /** Which line is ours. Default `ours`. */
  us?: string
}

/** A bar on our number as a multiple of a peer's. */
export function compareTo(
  results: readonly Result[],
  peer: string,
  where: Where & { text: string } & ({ atLeast: number } | { atMost: number }),
): Bar {
  const ours = statOf(results, { ...where, peer: where.us ?? 'ours' })
  const theirs = statOf(results, { ...where, peer })
  if (ours === null || theirs === null) return { text: where.text, measured: null, kept: false }
  const times = ratio(ours, theirs)
  const kept = 'atLeast' in where ? times >= where.atLeast : times <= where.atMost
  return { text: where.text, measured: `${times.toFixed(2)} ×`, kept }
}

/** A bar on our number as a multiple of the best peer's. */
export function compareToBest(
  results: readonly Result[],
  peers: Readonly<Record<string, string>>,
  where: Where & { text: string; atLeast: number },
): Bar {
  const ours = statOf(results, { ...where, peer: where.us ?? 'ours' })
  const times = Object.entries(peers).flatMap(([peer, title]) => {
    const theirs = statOf(results, { ...where, peer })
    return ours && theirs ? [{ times: ratio(ours, theirs), title }] : []
  })
  const lowest = times.sort((a, b) => a.times - b.times)[0]
  if (lowest === undefined) return { text: where.text, measured: null, kept: false }
  const measured = `${lowest.times.toFixed(2)} × ${lowest.title}`
  return { text: where.text, measured, kept: lowest.times >= where.atLeast }
}

/** A bar below which a number of ours may not be. */
export function atLeast(limit: number, value: number | null, text: string, unit = ''): Bar {
  return limitBar(value, value !== null && value >= limit, text, unit)
}

/** A bar above which a number of ours may not be. */
export function atMost(limit: number, value: number | null, text: string, unit = ''): Bar {
  return limitBar(value, value !== null && value <= limit, text, unit)
}

function limitBar(value: number | null, kept: boolean, text: string, unit: string): Bar {
  return { text, measured: value === null ? null : `${renderNumber(value)}${unit}`, kept }
}
