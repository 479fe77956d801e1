import type { CloseReason, PoolCounters, PoolStatus, PoolTimings } from '@shared/database'
import { capacity } from '@shared/monitor'
import type { Registry } from 'prom-client'
import type { ServiceDatabase } from '../context/context.ts'
import { addressOf } from './database-metrics.ts'
import { histogramValues, registerSnapshot, type SnapshotValue } from './snapshot-metric.ts'

/** What the metrics of the pools show, at one moment. */
interface PoolSnapshot {
  /** The service's own first, then one for each host that reads may go to. */
  pools: readonly { labels: Readonly<Record<string, string>>; pool: PoolStatus }[]
  timings: PoolTimings
}

type PoolMetric = readonly [name: string, help: string, read: (pool: PoolStatus) => number]
type Countable = Exclude<keyof PoolCounters, 'closes' | 'waitMs'>

const gauges: readonly PoolMetric[] = [
  ['max', 'Maximum number of connections of the pool.', capacity],
  ['idle_max', 'Maximum number of connections that the pool keeps when idle.', ({ poolSize }) => poolSize],
  ['pool_size', 'Connections that the pool keeps once they are open.', ({ poolSize }) => poolSize],
  ['pending_requests', 'Callers waiting for a connection.', ({ waiting }) => waiting],
  ['behind_requests', 'Statements waiting behind another one on its connection.', ({ behind }) => behind],
  ['overflow', 'Connections open beyond the pool size.', ({ overflow }) => overflow],
  ['connecting', 'Connections being opened.', ({ connecting }) => connecting],
]

const counted: readonly (readonly [name: string, help: string, counter: Countable])[] = [
  ['timeouts', 'Checkouts whose deadline passed while every connection was in use.', 'timeouts'],
  ['cancels', 'Checkouts aborted by their caller, such as by a client that disconnected.', 'cancels'],
  ['checkouts', 'Leases given, shared and exclusive.', 'checkouts'],
  ['waits', 'Checkouts that had to wait in the queue.', 'waits'],
  ['saturations', 'Checkouts refused because the queue was full.', 'saturations'],
  ['recycles', 'Connections replaced because of their age.', 'recycles'],
  ['connects', 'Connections opened.', 'connects'],
  ['connect_failures', 'Attempts to open a connection that failed.', 'connectFailures'],
  ['pings', 'Connections tested before they were handed out.', 'pings'],
  ['ping_failures', 'Connections found dead by such a test.', 'pingFailures'],
  ['invalidations', 'Times that all open connections were marked for replacement.', 'invalidations'],
]

const histograms: readonly (readonly [name: string, help: string, kind: keyof PoolTimings])[] = [
  ['db_client_connection_create_time_seconds', 'Time to open a connection.', 'createMs'],
  ['db_client_connection_wait_time_seconds', 'Time from requesting a lease to receiving it.', 'waitMs'],
  ['db_client_connection_use_time_seconds', 'Time a lease was held.', 'useMs'],
]

/**
 * Adds the metrics of the pools to a registry, named as OpenTelemetry does in Prometheus' form. They are read from memory. What is
 * measured in time is that of the service's own pool; the pool of another host has its address among the labels.
 *
 * @returns A function that takes the snapshot they all show next: call it before each scrape.
 */
export function registerPoolMetrics(
  registry: Registry,
  service: string,
  database: Pick<ServiceDatabase, 'status' | 'timings' | 'replicas'>,
): () => void {
  const labels = { db_client_connection_pool_name: service }
  let snapshot = takeSnapshot()

  function takeSnapshot(): PoolSnapshot {
    const replicas = database.replicas().map(({ host, pool }) => ({
      labels: { db_client_connection_pool_name: pool.name, ...addressOf(host) },
      pool,
    }))
    return { pools: [{ labels, pool: database.status() }, ...replicas], timings: database.timings() }
  }
  function ofEach(read: (pool: PoolStatus) => number): SnapshotValue[] {
    return snapshot.pools.map((one) => ({ value: read(one.pool), labels: one.labels }))
  }

  registerSnapshot(registry, {
    name: 'db_client_connection_count',
    help: 'Open connections by state.',
    // A gauge by nature. Its name is OpenTelemetry's, and Prometheus' linter keeps _count for histograms where a type is given.
    type: 'untyped',
    values: () =>
      snapshot.pools.flatMap(({ pool, labels }) => [
        { value: pool.idle, labels: { ...labels, db_client_connection_state: 'idle' } },
        { value: pool.checkedOut, labels: { ...labels, db_client_connection_state: 'used' } },
      ]),
  })
  for (const [name, help, read] of gauges)
    registerSnapshot(registry, {
      name: `db_client_connection_${name}`,
      help,
      type: 'gauge',
      values: () => ofEach(read),
    })
  for (const [name, help, counter] of counted)
    registerSnapshot(registry, {
      name: `db_client_connection_${name}_total`,
      help,
      type: 'counter',
      values: () => ofEach(({ counters }) => counters[counter]),
    })
  registerSnapshot(registry, {
    name: 'db_client_connection_closes_total',
    help: 'Connections closed, by reason.',
    type: 'counter',
    values: () =>
      snapshot.pools.flatMap(({ pool: { counters }, labels }) =>
        (Object.keys(counters.closes) as CloseReason[]).map((reason) => ({
          value: counters.closes[reason],
          labels: { ...labels, reason },
        })),
      ),
  })
  for (const [name, help, kind] of histograms)
    registerSnapshot(registry, {
      name,
      help,
      type: 'histogram',
      values: () => histogramValues(name, snapshot.timings[kind], labels),
    })

  return () => {
    snapshot = takeSnapshot()
  }
}
