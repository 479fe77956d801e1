import type { CeilingStatus, PoolStatus } from '@shared/database'
import { capacity } from '../samples/sample.ts'
import type { ServerReport } from '../server/server-report.ts'

/** Whether all that a service's replicas may open fits what the server allows them. */
export interface Budget {
  replicas: number
  /** Pool, overflow and health probe of all replicas, or the ceiling that they share; Infinity where neither has a limit. */
  wanted: number
  /** The smallest of the limits below. */
  allowed: number
  allowedBy: 'server' | 'database' | 'role'
  /** max_connections less the reserved ones. */
  serverTakes: number
  /** Connections of other roles now; what they may open is theirs to say. */
  heldByOthers: number
  /** Connections this role could still open now. */
  free: number
  fits: boolean
  /** False when it fits the limits, but not beside what other roles hold now. */
  fitsNow: boolean
}

/**
 * Compares (poolSize + maxOverflow + 1 for the health probe) × replicas with max_connections less the reserved ones, the
 * database's limit and the role's own.
 *
 * @param ceiling What the replicas share, whatever their pools add up to; null for nothing.
 */
export function checkBudget(
  pool: Pick<PoolStatus, 'poolSize' | 'maxOverflow'>,
  server: ServerReport,
  replicas: number,
  ceiling: CeilingStatus | null = null,
): Budget {
  const shared = ceiling?.isOn ? ceiling.limit : Number.POSITIVE_INFINITY
  const wanted = Math.min((capacity(pool) + 1) * replicas, shared)
  const serverTakes = server.maxConnections - server.reservedConnections
  const limits = [
    { by: 'role', limit: server.role.connectionLimit ?? Number.POSITIVE_INFINITY },
    { by: 'database', limit: server.databaseLimit ?? Number.POSITIVE_INFINITY },
    { by: 'server', limit: serverTakes },
  ] as const
  const smallest = limits.reduce((least, other) => (other.limit < least.limit ? other : least))
  const heldByOthers = Math.max(0, server.usedConnections - server.role.connections)
  const free = Math.min(
    serverTakes - server.usedConnections,
    (server.role.connectionLimit ?? Number.POSITIVE_INFINITY) - server.role.connections,
  )
  const fits = wanted <= smallest.limit
  return {
    replicas,
    wanted,
    allowed: smallest.limit,
    allowedBy: smallest.by,
    serverTakes,
    heldByOthers,
    free: Math.max(0, free),
    fits,
    fitsNow: fits && wanted <= serverTakes - heldByOthers,
  }
}
