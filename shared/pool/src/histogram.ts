/** How many measurements fell where; only grows. */
export interface HistogramSnapshot {
  /** Upper bounds in ms, inclusive. */
  readonly boundsMs: readonly number[]
  /** Measurements up to each bound and above the one before; the last, without a bound, is everything beyond. */
  readonly counts: readonly number[]
  readonly count: number
  readonly sumMs: number
}

const boundsMs = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
] as const

function bucketOf(ms: number): number {
  let bucket = 0
  while (bucket < boundsMs.length && ms > (boundsMs[bucket] as number)) bucket++
  return bucket
}

/** Counts durations in ms in fixed buckets, from a tenth of a millisecond to half a minute. */
export class Histogram {
  readonly #counts = new Float64Array(boundsMs.length + 1)
  #sumMs = 0

  /** Measurements recorded. */
  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  record(ms: number): void {
    const bucket = ms <= boundsMs[0] ? 0 : bucketOf(ms)
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#sumMs += ms
  }

  /** @param instant Further measurements of no time at all, which were only counted. */
  snapshot(instant = 0): HistogramSnapshot {
    const counts = [...this.#counts]
    counts[0] = (counts[0] as number) + instant
    return { boundsMs, counts, count: this.count + instant, sumMs: this.#sumMs }
  }
}

/**
 * The value in ms that the share `q` (0 to 1) of the measurements does not exceed: the upper bound of its bucket,
 * so never less than the truth; null without measurements, Infinity beyond the last bound.
 *
 * @param since An earlier snapshot: only what came after it counts.
 */
export function quantileMs(now: HistogramSnapshot, q: number, since?: HistogramSnapshot): number | null {
  const count = now.count - (since?.count ?? 0)
  if (count <= 0) return null
  let seen = 0
  for (const [bucket, total] of now.counts.entries()) {
    seen += total - (since?.counts[bucket] ?? 0)
    if (seen >= q * count && seen > 0) return now.boundsMs[bucket] ?? Number.POSITIVE_INFINITY
  }
  return Number.POSITIVE_INFINITY
}
