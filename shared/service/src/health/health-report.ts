import type { CeilingStatus, PoolStatus } from '@shared/database'
import { capacity, checkBudget, type DatabaseHealth, type ServerReport } from '@shared/monitor'
import type { MonitoredContext } from '../context/context.ts'
import { runtime } from '../context/runtime.ts'
import { readCluster } from './cluster-report.ts'

/** `degraded` answers 200: the service is slow, not down. `unhealthy` answers 503. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy'

/** Why a service is not healthy: the first two make it unhealthy. */
export type HealthReason = 'database-unreachable' | 'database-behind' | 'pool-saturated'

/** The body of `GET /health`. Codes only: a driver's message never gets here. */
export interface HealthReport {
  status: HealthStatus
  service: string
  state: string
  reasons: HealthReason[]
  database: { name: string } & DatabaseHealth
}

/**
 * Judges a service by its cached probe, its pool, and until its database is current by its migrations, without a query of its own. The probe asks the primary, as writes do: without
 * one a service is unhealthy, also while standbys answer its reads.
 */
export async function readHealth(service: string, context: MonitoredContext): Promise<HealthReport> {
  const { database, monitor, lifecycle } = context
  const probe = await monitor.health.check()
  const unreachable = probe.status === 'disconnected'
  const behind = !unreachable && (await isBehind(context))
  const saturated = isSaturated(database.status())
  return {
    status: unreachable || behind ? 'unhealthy' : saturated ? 'degraded' : 'healthy',
    service,
    state: lifecycle?.state ?? 'ready',
    reasons: [
      ...(unreachable ? (['database-unreachable'] as const) : []),
      ...(behind ? (['database-behind'] as const) : []),
      ...(saturated ? (['pool-saturated'] as const) : []),
    ],
    database: { name: database.name, ...probe, latencyMs: rounded(probe.latencyMs) },
  }
}

/** Starting and draining are known without a probe; a ready service is judged by the cached one, and by its migrations. */
export async function readReadiness(context: MonitoredContext) {
  const { lifecycle, monitor } = context
  const state = lifecycle?.state ?? 'ready'
  if (state !== 'ready') return state
  const probe = await monitor.health.check()
  // The state may have changed while the probe ran.
  if (lifecycle?.state === 'draining') return 'draining'
  if (probe.status !== 'connected') return 'database-unreachable'
  return (await isBehind(context)) ? 'database-behind' : 'ready'
}

/** Costs a query a second at most until the database is current, and none from then on. */
async function isBehind({ migrations }: MonitoredContext): Promise<boolean> {
  return migrations !== undefined && (await migrations.check()).state === 'behind'
}

/** The body of `GET /health/detailed`: costs one status query, on the probe's own connection. */
export async function readDetailedHealth(service: string, context: MonitoredContext) {
  const { database, monitor, eventLoop, requests } = context
  const health = await readHealth(service, context)
  const server = health.database.status === 'connected' ? await monitor.health.details() : null
  const pool = database.status()
  return {
    ...health,
    pool,
    pooler: database.pooler,
    ceiling: database.ceiling(),
    cluster: readCluster(context),
    server: server && {
      version: server.version,
      uptimeMs: server.uptimeMs,
      inRecovery: server.inRecovery,
      longestTransactionMs: server.longestTransactionMs,
    },
    limits: server && readLimits(pool, server, monitor.replicas, database.ceiling()),
    statements: server?.statements ?? null,
    blockages: server?.blockages ?? null,
    migrations: context.migrations?.seen() ?? null,
    isolation: server && { role: server.role.name, ...server.confinement },
    process: {
      uptimeMs: Math.round(process.uptime() * 1000),
      memory: memory(),
      eventLoopLag: eventLoop?.lag() ?? null,
      runtime: `${runtime.name} ${runtime.version}`,
    },
    queries: context.statements?.list().slice(0, 20) ?? null,
    slowRequests: readSlowRequests(context),
    requests: { inFlight: requests.inFlight, failed: requests.failed },
    events: database.events(),
  }
}

/** null where nobody keeps them. */
function readSlowRequests({ slowRequests }: MonitoredContext) {
  return slowRequests ? { fromMs: slowRequests.slowMs, list: slowRequests.list() } : null
}

/** Compares all connections that the pools and health probes of every replica may open with what the server allows. */
export function readLimits(
  pool: PoolStatus,
  server: ServerReport,
  replicas: number,
  ceiling: CeilingStatus | null,
) {
  const budget = checkBudget(pool, server, replicas, ceiling)
  return {
    maxConnections: server.maxConnections,
    reservedConnections: server.reservedConnections,
    usedConnections: server.usedConnections,
    roleConnections: server.role.connections,
    roleConnectionLimit: server.role.connectionLimit,
    databaseConnectionLimit: server.databaseLimit,
    /** CONNECTION LIMITs of all other roles together: what they may open, not what they have open. */
    promisedToOthers: server.promisedToOthers,
    replicas,
    /** Infinity, so null in JSON, where overflow has no limit. */
    wantedConnections: budget.wanted,
    /** What this role could still open now. */
    freeConnections: budget.free,
    fits: budget.fits,
    /** Whether it also fits beside what other roles have open now. */
    fitsNow: budget.fitsNow,
  }
}

/** To a hundredth of a millisecond: below that is noise. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100
}

// No connection takes so long to open that one can be opened.
const longWaitMs = 500

/** Whether the next caller would have to wait: every connection is in use, or none can be opened. */
function isSaturated(pool: PoolStatus): boolean {
  const isFull = pool.waiting > 0 && pool.total >= capacity(pool)
  return pool.checkedOut >= capacity(pool) || isFull || (pool.longestWaitMs ?? 0) >= longWaitMs
}

function memory() {
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rssBytes: rss, heapUsedBytes: heapUsed, externalBytes: external }
}
