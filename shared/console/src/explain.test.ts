import { expect, test } from 'bun:test'
import { explain, statusOf } from './explain.ts'
import type { MonitorReport } from './monitor-report.ts'

const pool = {
  poolSize: 10,
  maxOverflow: 20,
  total: 30,
  idle: 0,
  checkedOut: 30,
  overflow: 20,
  connecting: 0,
  waiting: 0,
  behind: 0,
  oldestLeaseMs: 8_120,
  longestWaitMs: null,
}
const report: Omit<MonitorReport, 'samples'> = {
  service: 'auth',
  at: 0,
  status: 'healthy',
  ready: true,
  database: { status: 'connected', latencyMs: 1, code: null },
  pool,
  cluster: null,
  blockages: [],
  events: [],
  advice: [],
}
const warning = { level: 'warning', code: 'slow-statement', text: 'Slow.' } as const
const critical = { level: 'critical', code: 'saturated', text: 'The pool is too small.' } as const

test.each<[string, Partial<typeof report>, string, string]>([
  ['is healthy', {}, 'healthy', ''],
  ['is healthy with advice', { advice: [critical] }, 'healthy', ''],
  ['starts or drains', { ready: false }, 'degraded', 'It takes no requests now: it is starting or draining.'],
  [
    'has a full pool',
    { status: 'degraded' },
    'degraded',
    'All 30 connections are in use, the longest for 8.1 s; the next caller has to wait.',
  ],
  [
    'has callers waiting',
    { status: 'degraded', pool: { ...pool, waiting: 2, longestWaitMs: 1_500 } },
    'degraded',
    'All 30 connections are in use, the longest for 8.1 s; 2 callers wait, the longest for 1.5 s.',
  ],
  [
    'can open no connection',
    {
      status: 'degraded',
      pool: { ...pool, checkedOut: 1, oldestLeaseMs: null, waiting: 2, longestWaitMs: 1_500 },
    },
    'degraded',
    '1 connection is in use, and no other one is open yet; 2 callers wait, the longest for 1.5 s.',
  ],
  [
    'knows what holds its pool',
    { status: 'degraded', advice: [warning, { level: 'warning', code: 'saturated', text: 'All are slow.' }] },
    'degraded',
    'All are slow.',
  ],
  [
    'says itself what is critical',
    { status: 'degraded', advice: [warning, critical] },
    'degraded',
    'The pool is too small.',
  ],
  [
    'has lost its database',
    {
      status: 'unhealthy',
      ready: false,
      database: { status: 'disconnected', latencyMs: null, code: 'ECONNREFUSED' },
    },
    'unhealthy',
    'PostgreSQL cannot be reached (ECONNREFUSED).',
  ],
  [
    'has a database without its migrations',
    { status: 'unhealthy', ready: false },
    'unhealthy',
    'Its database lacks migrations: apply them.',
  ],
])('a service that %s is explained', (_what, changed, status, reason) => {
  const shown = { ...report, ...changed }
  expect({ status: statusOf(shown), reason: explain(shown) }).toEqual({ status, reason } as never)
})
