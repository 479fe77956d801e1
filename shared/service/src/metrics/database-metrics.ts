import type { CeilingStatus, EventCounts, Host, HostState, ReadCounters } from '@shared/database'
import type { Monitor, Seen } from '@shared/monitor'
import type { Registry } from 'prom-client'
import type { ServiceDatabase } from '../context/context.ts'
import { registerSnapshot, type SnapshotValue } from './snapshot-metric.ts'

/** What the metrics of the database show, at one moment. */
interface DatabaseSnapshot {
  seen: Seen
  hosts: readonly HostState[]
  events: EventCounts
  /** null where each process opens what its own pool allows. */
  ceiling: CeilingStatus | null
  /** null where all reads go to the primary. */
  reads: ReadCounters | null
}

type DatabaseMetric = readonly [
  name: string,
  help: string,
  read: (snapshot: DatabaseSnapshot) => number | null | undefined,
]

const gauges: readonly DatabaseMetric[] = [
  ['db_up', 'Whether the database answered the last health probe.', ({ seen }) => up(seen)],
  [
    'db_probe_latency_seconds',
    'Round trip of the last health probe.',
    ({ seen }) => seconds(seen.health?.latencyMs),
  ],
  [
    'db_blocked_statements',
    'Statements of the role that waited for locks when the server was last asked.',
    ({ seen: { server, blockages } }) =>
      server && new Set(blockages.flatMap(({ waiting }) => waiting.map(({ pid }) => pid))).size,
  ],
  [
    'db_blocked_seconds',
    'How long the one of them had waited that waited for the longest.',
    ({ seen: { server, blockages } }) =>
      server &&
      Math.max(0, ...blockages.flatMap(({ waiting }) => waiting.map(({ waitedMs }) => waitedMs))) / 1_000,
  ],
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
  [
    'db_role_ceiling',
    'Connections that all processes of the role share; absent where each opens what its own pool allows.',
    ({ ceiling }) => ceiling?.limit,
  ],
  [
    'db_role_ceiling_used',
    'Of the shared connections, those that are open or claimed.',
    ({ ceiling }) => ceiling?.used,
  ],
  [
    'db_role_ceiling_processes',
    'Processes that share the connections of the role.',
    ({ ceiling }) => ceiling?.processes,
  ],
  [
    'db_role_ceiling_allowance',
    'Of the shared connections, those that the pool of this process may have.',
    ({ ceiling }) => ceiling?.allowance,
  ],
]

const counters: readonly DatabaseMetric[] = [
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
  ['db_failovers_total', 'Times that the primary has changed.', ({ events }) => events['failed-over']],
]

const roles = Object.keys({
  primary: true,
  'read-only': true,
  standby: true,
  'old-primary': true,
  unreachable: true,
  unknown: true,
} satisfies Record<HostState['role'], true>)

const readsBy: readonly (readonly [counter: keyof ReadCounters, server: string, reason: string])[] = [
  ['standby', 'standby', 'near'],
  ['primary', 'primary', 'no-standby'],
  ['behind', 'primary', 'behind'],
  ['failed', 'primary', 'failed'],
]

/**
 * Adds to a registry what is known of the database and its hosts. It is read from memory; hosts and reads are absent where there is
 * but one host.
 *
 * @returns A function that takes the snapshot they all show next: call it before each scrape.
 */
export function registerDatabaseMetrics(
  registry: Registry,
  service: string,
  database: Pick<ServiceDatabase, 'eventCounts' | 'hosts' | 'replicas' | 'readCounts' | 'ceiling'>,
  monitor: Pick<Monitor, 'seen'>,
): () => void {
  const labels = { db_client_connection_pool_name: service }
  let snapshot = takeSnapshot()

  function takeSnapshot(): DatabaseSnapshot {
    return {
      seen: monitor.seen(),
      hosts: database.hosts(),
      events: database.eventCounts(),
      reads: database.replicas().length === 0 ? null : database.readCounts(),
      ceiling: database.ceiling(),
    }
  }
  /** What is not known yet is left out: a zero would be wrong. */
  function known(value: number | null | undefined): SnapshotValue[] {
    return value === null || value === undefined ? [] : [{ value, labels }]
  }

  for (const [name, help, read] of gauges)
    registerSnapshot(registry, { name, help, type: 'gauge', values: () => known(read(snapshot)) })
  for (const [name, help, read] of counters)
    registerSnapshot(registry, { name, help, type: 'counter', values: () => known(read(snapshot)) })
  registerSnapshot(registry, {
    name: 'db_server_role',
    help: 'Whether a host of the database has a role.',
    type: 'gauge',
    values: () =>
      snapshot.hosts.flatMap(({ host, role: its }) =>
        roles.map((role) => ({
          value: its === role ? 1 : 0,
          labels: { ...labels, ...addressOf(host), role },
        })),
      ),
  })
  registerSnapshot(registry, {
    name: 'db_server_replication_lag_seconds',
    help: 'How far a standby is behind the primary; absent for others, and while it is not known.',
    type: 'gauge',
    values: () =>
      snapshot.hosts.flatMap(({ host, lagMs }) =>
        lagMs === null ? [] : [{ value: lagMs / 1_000, labels: { ...labels, ...addressOf(host) } }],
      ),
  })
  registerSnapshot(registry, {
    name: 'db_client_reads_total',
    help: 'Reads that standbys may take, by where they ran and why.',
    type: 'counter',
    values: () => {
      const { reads } = snapshot
      return reads
        ? readsBy.map(([counter, server, reason]) => ({
            value: reads[counter],
            labels: { ...labels, server, reason },
          }))
        : []
    },
  })

  return () => {
    snapshot = takeSnapshot()
  }
}

function up({ health }: Seen): number | null {
  return health && (health.status === 'connected' ? 1 : 0)
}

function seconds(ms: number | null | undefined): number | null {
  return ms == null ? null : ms / 1_000
}

/** A host under the names of OpenTelemetry's attributes. */
export function addressOf({ name, port }: Host): Readonly<Record<string, string>> {
  return { server_address: name, server_port: String(port) }
}
