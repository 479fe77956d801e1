/** A number measured in several rounds. */
export interface Stat {
  readonly median: number
  readonly min: number
  readonly max: number
  /** Each round's, in order. */
  readonly rounds: readonly number[]
}

/** The middle value, or the mean of the two in the middle. @throws {RangeError} There are none. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  const high = sorted[sorted.length >> 1]
  const low = sorted[(sorted.length - 1) >> 1]
  if (high === undefined || low === undefined) throw new RangeError('The median of nothing.')
  return (low + high) / 2
}

/**
 * The smallest value that at least `percent` of all are not above (nearest rank).
 *
 * @param sorted In ascending order.
 * @throws {RangeError} There are none.
 */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length))
  const value = sorted[rank - 1]
  if (value === undefined) throw new RangeError('A percentile of nothing.')
  return value
}

/** Sums up the rounds of one number. */
export function summarize(values: readonly number[]): Stat {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), rounds: [...values] }
}

/** Half the distance from the slowest to the fastest round, as a share of the median; 0 when the median is. */
export function spread({ median, min, max }: Stat): number {
  return median === 0 ? 0 : (max - min) / 2 / Math.abs(median)
}

/** How many times `top` is `bottom`: the median over the rounds, as what disturbs a round disturbs both alike. */
export function ratio(top: Stat, bottom: Stat): number {
  if (top.rounds.length !== bottom.rounds.length) return top.median / bottom.median
  return median(top.rounds.map((value, round) => value / (bottom.rounds[round] ?? Number.NaN)))
}

/** Every round's order: each starts one further than the one before, so that nobody always comes first. */
export function rotate<T>(items: readonly T[], round: number): T[] {
  const start = items.length === 0 ? 0 : round % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}
