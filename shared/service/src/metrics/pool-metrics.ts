import type { CloseReason, EventCounts, PoolCounters, PoolStatus, PoolTimings } from '@shared/database'
import { capacity, type Monitor, type Seen } from '@shared/monitor'
import type { Registry } from 'prom-client'
import type { ServiceDatabase } from '../context/context.ts'
import { histogramValues, registerSnapshot, type SnapshotValue } from './snapshot-metric.ts'

/** What the pool's metrics show, at one moment. */
interface PoolSnapshot {
  pool: PoolStatus
  timings: PoolTimings
  events: EventCounts
  seen: Seen
}

type PoolMetric = readonly [
  name: string,
  help: string,
  read: (snapshot: PoolSnapshot) => number | null | undefined,
]
type Countable = Exclude<keyof PoolCounters, 'closes' | 'waitMs'>

const gauges: readonly PoolMetric[] = [
  ['db_client_connection_max', 'Maximum number of connections of the pool.', ({ pool }) => capacity(pool)],
  [
    'db_client_connection_idle_max',
    'Maximum number of connections that the pool keeps when idle.',
    ({ pool }) => pool.poolSize,
  ],
  [
    'db_client_connection_pool_size',
    'Connections that the pool keeps once they are open.',
    ({ pool }) => pool.poolSize,
  ],
  ['db_client_connection_pending_requests', 'Callers waiting for a connection.', ({ pool }) => pool.waiting],
  ['db_client_connection_overflow', 'Connections open beyond the pool size.', ({ pool }) => pool.overflow],
  ['db_client_connection_connecting', 'Connections being opened.', ({ pool }) => pool.connecting],
  ['db_up', 'Whether the database answered the last health probe.', ({ seen }) => up(seen)],
  ['db_probe_latency_seconds', 'Round trip of the last health probe.', ({ seen }) => latencySeconds(seen)],
  [
    'db_server_connections_max',
    'Connections the server takes, less the reserved ones, as last reported.',
    ({ seen: { server } }) => server && server.maxConnections - server.reservedConnections,
  ],
  [
    'db_server_connections_used',
    'Connections of all roles, as last reported by the server.',
    ({ seen }) => seen.server?.usedConnections,
  ],
  [
    'db_role_connections_used',
    'Connections of the role, as last reported by the server.',
    ({ seen }) => seen.server?.role.connections,
  ],
  [
    'db_role_connections_limit',
    'Connections the role may have; absent where it has no limit of its own.',
    ({ seen }) => seen.server?.role.connectionLimit,
  ],
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

const counters: readonly PoolMetric[] = [
  ...counted.map(
    ([name, help, counter]): PoolMetric => [
      `db_client_connection_${name}_total`,
      help,
      ({ pool }) => pool.counters[counter],
    ],
  ),
  [
    'db_client_statement_stalls_total',
    'Statements that failed because their connection did not respond any more.',
    ({ events }) => events['statement-stalled'],
  ],
  [
    'db_client_connection_leaks_total',
    'Exclusive leases reported as held for too long.',
    ({ events }) => events['lease-leaked'],
  ],
]

const histograms: readonly (readonly [name: string, help: string, kind: keyof PoolTimings])[] = [
  ['db_client_connection_create_time_seconds', 'Time to open a connection.', 'createMs'],
  ['db_client_connection_wait_time_seconds', 'Time from requesting a lease to receiving it.', 'waitMs'],
  ['db_client_connection_use_time_seconds', 'Time a lease was held.', 'useMs'],
]

/**
 * Adds the pool's metrics to a registry, named as OpenTelemetry does in Prometheus' form. They are read from memory.
 *
 * @returns A function that takes the snapshot they all show next: call it before each scrape.
 */
export function registerPoolMetrics(
  registry: Registry,
  service: string,
  database: Pick<ServiceDatabase, 'status' | 'timings' | 'eventCounts'>,
  monitor: Pick<Monitor, 'seen'>,
): () => void {
  const labels = { db_client_connection_pool_name: service }
  let snapshot = takeSnapshot()

  function takeSnapshot(): PoolSnapshot {
    return {
      pool: database.status(),
      timings: database.timings(),
      events: database.eventCounts(),
      seen: monitor.seen(),
    }
  }
  /** What is not known yet is left out: a zero would be wrong. */
  function known(value: number | null | undefined): SnapshotValue[] {
    return value === null || value === undefined ? [] : [{ value, labels }]
  }

  registerSnapshot(registry, {
    name: 'db_client_connection_count',
    help: 'Open connections by state.',
    // A gauge by nature. Its name is OpenTelemetry's, and Prometheus' linter keeps _count for histograms where a type is given.
    type: 'untyped',
    values: () => [
      { value: snapshot.pool.idle, labels: { ...labels, db_client_connection_state: 'idle' } },
      { value: snapshot.pool.checkedOut, labels: { ...labels, db_client_connection_state: 'used' } },
    ],
  })
  for (const [name, help, read] of gauges)
    registerSnapshot(registry, { name, help, type: 'gauge', values: () => known(read(snapshot)) })
  for (const [name, help, read] of counters)
    registerSnapshot(registry, { name, help, type: 'counter', values: () => known(read(snapshot)) })
  registerSnapshot(registry, {
    name: 'db_client_connection_closes_total',
    help: 'Connections closed, by reason.',
    type: 'counter',
    values: () => {
      const { closes } = snapshot.pool.counters
      const reasons = Object.keys(closes) as CloseReason[]
      return reasons.map((reason) => ({ value: closes[reason], labels: { ...labels, reason } }))
    },
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

function up({ health }: Seen): number | null {
  return health && (health.status === 'connected' ? 1 : 0)
}

function latencySeconds({ health }: Seen): number | null {
  return health?.latencyMs == null ? null : health.latencyMs / 1_000
}
