import type { Sample } from '../../monitor-report.ts'

/** How much the charts show at most, in ms. */
export const windowMs = 300_000
const minuteMs = 60_000
/** Samples come every second; a longer silence is shown as a gap, not as a line across it. */
const gapMs = 3_000

/** A sample with what it counts as rates; null where it is not known since when it counts. */
export interface Point extends Sample {
  readonly queriesPerSecond: number | null
  readonly failuresPerSecond: number | null
}

/** Columns for charts: times in seconds, then a column for each series; null where nothing was measured. */
export type Columns = [number[], ...(number | null)[][]]

/** The samples that the charts can show. */
export function recent(samples: readonly Sample[], now: number): readonly Sample[] {
  const first = samples.findIndex(({ at }) => at >= now - windowMs)
  return first === -1 ? [] : samples.slice(first)
}

/** Divides what samples count by the time since the sample before, which is a second only nearly; none after a gap. */
export function pointsOf(samples: readonly Sample[]): readonly Point[] {
  return samples.map((sample, index) => {
    const before = samples[index - 1]
    const seconds =
      before === undefined || isGap(before.at, sample.at) ? null : (sample.at - before.at) / 1_000
    const perSecond = (count: number | null): number | null =>
      count === null || seconds === null ? null : count / seconds
    return {
      ...sample,
      queriesPerSecond: perSecond(sample.statements),
      failuresPerSecond: perSecond(sample.failures),
    }
  })
}

/** Turns points into columns, with a row of nulls in each gap. */
export function columnsOf(
  points: readonly Point[],
  series: readonly ((point: Point) => number | null)[],
): Columns {
  const times: number[] = []
  const columns: (number | null)[][] = series.map(() => [])
  points.forEach((point, index) => {
    const before = points[index - 1]
    if (before !== undefined && isGap(before.at, point.at)) {
      times.push((before.at + 1) / 1_000)
      for (const column of columns) column.push(null)
    }
    times.push(point.at / 1_000)
    series.forEach((read, column) => {
      columns[column]?.push(read(point))
    })
  })
  return [times, ...columns]
}

/** How far back all charts reach, in ms: to the oldest of the times, in whole minutes, from one to five. */
export function spanOf(times: readonly number[], now: number): number {
  const longest = Math.max(minuteMs, ...times.map((at) => now - at))
  return Math.min(windowMs, Math.ceil(longest / minuteMs) * minuteMs)
}

const isGap = (before: number, at: number): boolean => at - before > gapMs
