import type { Sample } from '../monitor-report.ts'
/** How much the charts show at most, and at least. */
export declare const windowMs = 300000
/** Columns for charts: times in seconds, then a column for each series; null where nothing was measured. */
export type Columns = [number[], ...(number | null)[][]]
/** The samples that the charts can show. */
export declare function recent(samples: readonly Sample[], now: number): readonly Sample[]
/** Turns samples into columns, with a row of nulls in each gap. */
export declare function columnsOf(
  samples: readonly Sample[],
  series: readonly ((sample: Sample) => number | null)[],
): Columns
/** Where the charts begin: with the first sample, so that a service that has just started is not a thin line at the edge. */
export declare function firstShown(samples: readonly Sample[], now: number): number
