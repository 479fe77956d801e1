import type { Advice } from '@shared/monitor'
import { explainAdvice } from '@shared/monitor/explain'

const checkedAt = '2026-01-31T12:00:00.000Z'
/** All is well. */
export const healthy = {
  status: 'healthy',
  service: 'auth',
  state: 'ready',
  reasons: [],
  database: { name: 'auth', status: 'connected', latencyMs: 0.55, code: null, checkedAt },
}
/** The database cannot be reached. */
export const unreachable = {
  ...healthy,
  status: 'unhealthy',
  reasons: ['database-unreachable'],
  database: { ...healthy.database, status: 'disconnected', latencyMs: null, code: 'ECONNREFUSED' },
}
const pool = {
  name: 'auth',
  poolSize: 10,
  maxOverflow: 20,
  total: 3,
  idle: 2,
  checkedOut: 1,
  overflow: 0,
  connecting: 0,
  waiting: 0,
  oldestLeaseMs: 1.2,
  longestWaitMs: null,
  counters: { checkouts: 4711, timeouts: 0, closes: { idle: 2 } },
}
/** All is well, in detail. */
export const detailed = {
  ...healthy,
  pool,
  server: { version: '18.4', uptimeMs: 86_400_000, inRecovery: false, longestTransactionMs: null },
  limits: {
    maxConnections: 100,
    usedConnections: 12,
    roleConnections: 4,
    roleConnectionLimit: 62,
    wantedConnections: 31,
    fits: true,
  },
  statements: [
    {
      pid: 4242,
      state: 'active',
      ageMs: 3,
      waitEvent: 'Lock/tuple',
      text: 'update users set email = ? where id = ?',
    },
  ],
  pooler: null,
  isolation: { role: 'auth_app', confined: true, findings: [] },
  process: { uptimeMs: 3_600_000, runtime: 'bun 1.4.5' },
  events: [{ type: 'connect-failed', code: 'ECONNREFUSED', at: checkedAt }],
}

/** The database cannot be reached: what only the server knows is null. */
export const detailedUnreachable = {
  ...detailed,
  ...unreachable,
  server: null,
  limits: null,
  statements: null,
  pooler: null,
  isolation: null,
}

const oversized: Advice<'oversized'> = {
  code: 'oversized',
  level: 'info',
  measured: {
    periodMs: 600_000,
    poolSize: 10,
    peakUsed: 2,
    load: { leasesPerSecond: 120, useMs: 0.6, leases: 0.07 },
  },
  options: [{ option: 'poolSize', change: 'lower', value: 4 }],
}

/** A second of the monitor. */
export const monitor = {
  service: 'auth',
  at: 1_769_860_800_000,
  status: 'healthy',
  ready: true,
  database: { status: 'connected', latencyMs: 0.55, code: null },
  pool,
  samples: [
    {
      at: 1_769_860_799_500,
      idle: 2,
      used: 1,
      overflow: 0,
      connecting: 0,
      waiting: 0,
      max: 30,
      checkouts: 120,
      waitP99Ms: 0,
      useP50Ms: 0.5,
      useP99Ms: 2.5,
      failures: 0,
      health: { status: 'connected', latencyMs: 0.55 },
    },
  ],
  events: detailed.events,
  advice: [{ ...oversized, text: explainAdvice(oversized) }],
}

/** Two lines of the metrics. */
export const metricsText = `db_up{db_client_connection_pool_name="auth"} 1
db_client_connection_pending_requests{db_client_connection_pool_name="auth"} 0
`
