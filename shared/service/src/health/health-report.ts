import type { PoolStatus } from '@shared/database'
import { capacity, checkBudget, type DatabaseHealth, type ServerReport } from '@shared/monitor'
import type { MonitoredContext } from '../context/context.ts'

/** `degraded` answers 200: the service is slow, not down. `unhealthy` answers 503. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy'

/** The body of `GET /health`. Codes only: a driver's message never gets here. */
export interface HealthReport {
  status: HealthStatus
  service: string
  state: string
  reasons: string[]
  database: { name: string } & DatabaseHealth
}

/** Judges a service by its cached probe and its pool, without a query of its own. */
export async function readHealth(service: string, context: MonitoredContext): Promise<HealthReport> {
  const { database, monitor, lifecycle } = context
  const probe = await monitor.health.check()
  const unreachable = probe.status === 'disconnected'
  const saturated = isSaturated(database.status())
  return {
    status: unreachable ? 'unhealthy' : saturated ? 'degraded' : 'healthy',
    service,
    state: lifecycle?.state ?? 'ready',
    reasons: [...(unreachable ? ['database-unreachable'] : []), ...(saturated ? ['pool-saturated'] : [])],
    database: { name: database.name, ...probe, latencyMs: rounded(probe.latencyMs) },
  }
}

/** Starting and draining are known without a probe; a ready service is judged by the cached one. */
export async function readReadiness({ lifecycle, monitor }: MonitoredContext) {
  const state = lifecycle?.state ?? 'ready'
  if (state !== 'ready') return state
  const probe = await monitor.health.check()
  // The state may have changed while the probe ran.
  if (lifecycle?.state === 'draining') return 'draining'
  return probe.status === 'connected' ? 'ready' : 'database-unreachable'
}

/** The body of `GET /health/detailed`: costs one status query, on the probe's own connection. */
export async function readDetailedHealth(service: string, context: MonitoredContext) {
  const { database, monitor, eventLoop } = context
  const health = await readHealth(service, context)
  const server = health.database.status === 'connected' ? await monitor.health.details() : null
  const pool = database.status()
  return {
    ...health,
    pool,
    pooler: database.pooler,
    server: server && {
      version: server.version,
      uptimeMs: server.uptimeMs,
      inRecovery: server.inRecovery,
      longestTransactionMs: server.longestTransactionMs,
    },
    limits: server && readLimits(pool, server, monitor.replicas),
    statements: server?.statements ?? null,
    isolation: server && { role: server.role.name, ...server.confinement },
    process: {
      uptimeMs: Math.round(process.uptime() * 1000),
      memory: memory(),
      eventLoopLag: eventLoop?.lag() ?? null,
      runtime: `bun ${Bun.version}`,
    },
    events: database.events().map(({ type, code, at }) => ({ type, code, at })),
  }
}

/** Compares all connections that the pools and health probes of every replica may open with what the server allows. */
export function readLimits(pool: PoolStatus, server: ServerReport, replicas: number) {
  const budget = checkBudget(pool, server, replicas)
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

/** Whether the next caller would have to wait. */
function isSaturated(pool: PoolStatus): boolean {
  return pool.checkedOut >= capacity(pool) || (pool.waiting > 0 && pool.total >= capacity(pool))
}

function memory() {
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rssBytes: rss, heapUsedBytes: heapUsed, externalBytes: external }
}
