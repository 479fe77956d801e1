import { formatDuration, formatNumber } from '@shared/monitor/duration'

/** What the values of a chart are: things that are counted, as many of them a second, or times in ms. */
export type Unit = 'count' | 'rate' | 'duration'

/** The ends of the scale go up in these steps, so that charts keep still while values change a little. */
const ends = [1, 2, 3, 4, 5, 6, 8, 10]
/** Distances between two ticks, those first that people add up most easily. */
const steps = [
  [1, 2, 2.5, 5],
  [1.5, 3, 4],
]

/** The upper end of a scale that starts at 0 and has room for a value. @param least It reaches at least this far. */
export function topOf(value: number, least: number): number {
  if (value <= least) return least
  const power = 10 ** Math.floor(Math.log10(value))
  return (ends.find((end) => end * power >= value) ?? 10) * power
}

/** The values to mark on a scale from 0: both ends, and as many between them as there is room for. Things are marked whole. */
export function ticksOf(top: number, unit: Unit, mostParts: number): number[] {
  for (const nice of steps)
    for (let parts = mostParts; parts > 1; parts--) {
      const step = top / parts
      const digits = Number((step / 10 ** Math.floor(Math.log10(step))).toPrecision(6))
      if (nice.includes(digits) && (unit !== 'count' || Number.isInteger(step)))
        return Array.from({ length: parts + 1 }, (_, index) => index * step)
    }
  return [0, top]
}

/** Times to mark on a span that ends now, in ms before now: both ends, and as many between them as there is room for. */
export function timesOf(spanMs: number, mostParts: number): number[] {
  const parts = [spanMs / 30_000, spanMs / 60_000, 2].find((count) => count <= mostParts) ?? 1
  return Array.from({ length: parts + 1 }, (_, index) => spanMs - (index * spanMs) / parts)
}

/** A value with its unit: `12`, `120/s`, `1.2k/s`, `0.4 ms`; an en dash for null. */
export function formatMeasure(value: number | null, unit: Unit): string {
  if (value === null) return '–'
  if (unit === 'duration') return formatDuration(value)
  const short = value >= 10_000 ? `${formatNumber(value / 1_000)}k` : formatNumber(value)
  return unit === 'rate' ? `${short}/s` : short
}

/** `−30 s`, `−2.5 min`, `now`. */
export function formatAgo(ms: number): string {
  if (ms === 0) return 'now'
  return ms < 60_000 ? `−${ms / 1_000} s` : `−${ms / 60_000} min`
}
