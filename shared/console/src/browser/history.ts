import type { Sample } from '../monitor-report.ts'

/** How much the charts show at most, and at least. */
export const windowMs = 300_000
const shortestMs = 60_000
/** Samples come every second; a longer silence is shown as a gap, not as a line across it. */
const gapMs = 3_000

/** Columns for charts: times in seconds, then a column for each series; null where nothing was measured. */
export type Columns = [number[], ...(number | null)[][]]

/** The samples that the charts can show. */
export function recent(samples: readonly Sample[], now: number): readonly Sample[] {
  const first = samples.findIndex(({ at }) => at >= now - windowMs)
  return first === -1 ? [] : samples.slice(first)
}

/** Turns samples into columns, with a row of nulls in each gap. */
export function columnsOf(
  samples: readonly Sample[],
  series: readonly ((sample: Sample) => number | null)[],
): Columns {
  const times: number[] = []
  const columns: (number | null)[][] = series.map(() => [])
  let before = Number.POSITIVE_INFINITY
  for (const sample of samples) {
    if (sample.at - before > gapMs) {
      times.push((before + 1) / 1_000)
      for (const column of columns) column.push(null)
    }
    times.push(sample.at / 1_000)
    series.forEach((read, index) => {
      columns[index]?.push(read(sample))
    })
    before = sample.at
  }
  return [times, ...columns]
}

/** Where the charts begin: with the first sample, so that a service that has just started is not a thin line at the edge. */
export function firstShown(samples: readonly Sample[], now: number): number {
  return Math.min(now - shortestMs, Math.max(now - windowMs, samples[0]?.at ?? now))
}
