import type { HistogramSnapshot } from '@shared/database'
import type { Metric, Registry } from 'prom-client'

/** One number of a metric, with its labels. */
export interface SnapshotValue {
  value: number
  labels?: Readonly<Record<string, string>>
  /** For the parts of a histogram. Default: the metric's. */
  metricName?: string
}

/** A metric whose numbers are kept elsewhere and read at each scrape. */
export interface SnapshotMetric {
  name: string
  help: string
  /** `untyped` leaves it open. */
  type: 'counter' | 'gauge' | 'histogram' | 'untyped'
  values: () => readonly SnapshotValue[]
}

/**
 * Adds a metric that is read, not counted, to a registry. prom-client's own counters can't be set and its histograms can't
 * take over buckets; a registry uses no more of a metric than this.
 */
export function registerSnapshot(registry: Registry, { values, ...metric }: SnapshotMetric): void {
  const reading = {
    ...metric,
    get: () => Promise.resolve({ ...metric, values: values() }),
    reset: () => undefined,
  }
  registry.registerMetric(reading as unknown as Metric<string>)
}

/** A histogram in milliseconds as Prometheus expects it: in seconds, with cumulative buckets. */
export function histogramValues(
  name: string,
  { boundsMs, counts, count, sumMs }: HistogramSnapshot,
  labels: Readonly<Record<string, string>>,
): SnapshotValue[] {
  let below = 0
  const buckets = boundsMs.map((bound, bucket) => {
    below += counts[bucket] ?? 0
    return bucketOf(String(bound / 1_000), below)
  })
  function bucketOf(le: string, value: number): SnapshotValue {
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value }
  }
  return [
    ...buckets,
    bucketOf('+Inf', count),
    { metricName: `${name}_sum`, labels, value: sumMs / 1_000 },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
