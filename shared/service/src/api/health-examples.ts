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
  behind: 0,
  longestBehindMs: null,
  counters: { checkouts: 4711, timeouts: 0, closes: { idle: 2 } },
}
const cluster = {
  hosts: [
    { host: 'db-1:5432', role: 'primary', timeline: 1, lagMs: null, code: null },
    { host: 'db-2:5432', role: 'standby', timeline: 1, lagMs: 12, code: null },
    { host: 'db-3:5432', role: 'unreachable', timeline: 1, lagMs: null, code: 'ECONNREFUSED' },
  ],
  failovers: 0,
  replicas: [{ host: 'db-2:5432', pool: { ...pool, name: 'auth db-2:5432' } }],
  reads: { standby: 1_200, primary: 3, behind: 1, failed: 0 },
}
const noSpan = { statement: null, rows: null, outcome: null, code: null }
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
  blockages: [
    {
      blocker: {
        pid: 4711,
        role: 'auth_app',
        application: 'auth',
        state: 'idle in transaction',
        ageMs: 2_100,
        transactionMs: 2_200,
        statement: 'update users set email = ? where id = ?',
      },
      lock: { kind: 'row', mode: 'ShareLock', relation: 'users' },
      waiting: [
        {
          pid: 4242,
          role: 'auth_app',
          application: 'auth',
          depth: 1,
          blockedBy: [4711],
          waitedMs: 2_000,
          statement: 'update users set email = ? where id = ?',
        },
      ],
    },
  ],
  queries: [
    {
      fingerprint: '9f86d081884c7d65',
      summary: 'SELECT users',
      statement: 'select id from users where email = $1',
      calls: 812,
      errors: 0,
      waitMs: 3.2,
      runMs: 640.5,
      longestMs: 12.1,
    },
  ],
  slowRequests: {
    fromMs: 1_000,
    list: [
      {
        at: checkedAt,
        method: 'POST',
        route: '/sessions',
        requestId: 'b7b1e0ab-3f65-4cf0-8f6a-0a3b6a3e4a52',
        traceId: null,
        status: 201,
        durationMs: 1_240.2,
        spans: [
          { ...noSpan, kind: 'wait', startMs: 0.8, durationMs: 1_180.4 },
          {
            ...noSpan,
            kind: 'statement',
            startMs: 1_181.2,
            durationMs: 12.1,
            statement: 'select id from users where email = $1',
            rows: 1,
          },
        ],
        omitted: 0,
      },
    ],
  },
  requests: { inFlight: 1, failed: 0 },
  pooler: null,
  ceiling: null,
  cluster,
  migrations: { state: 'current', pending: [], total: 3, code: null },
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
  blockages: null,
  pooler: null,
  ceiling: null,
  isolation: null,
  cluster: {
    ...cluster,
    hosts: cluster.hosts.map((host) => ({ ...host, role: 'unreachable', lagMs: null, code: 'ECONNREFUSED' })),
  },
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

// Its shape is checked above, by the type of the advice.
const inWords: Readonly<Record<string, unknown>> = { ...oversized, text: explainAdvice(oversized) }

/** A second of the monitor. */
export const monitor = {
  service: 'auth',
  at: 1_769_860_800_000,
  status: 'healthy',
  ready: true,
  database: { status: 'connected', latencyMs: 0.55, code: null },
  pool,
  cluster,
  samples: [
    {
      at: 1_769_860_799_500,
      idle: 2,
      used: 1,
      overflow: 0,
      connecting: 0,
      waiting: 0,
      behind: 0,
      max: 30,
      checkouts: 120,
      statements: 135,
      waitP99Ms: 0,
      useP50Ms: 0.5,
      useP99Ms: 2.5,
      failures: 0,
      connectionFailures: 0,
      health: { status: 'connected', latencyMs: 0.55 },
      lagMs: 12,
    },
  ],
  blockages: [],
  events: detailed.events,
  advice: [inWords],
}

/** Two lines of the metrics. */
export const metricsText = `db_up{db_client_connection_pool_name="auth"} 1
db_client_connection_pending_requests{db_client_connection_pool_name="auth"} 0
`
