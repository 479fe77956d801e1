import { expect, test } from 'bun:test'
import { parseMonitorReport } from './monitor-report.ts'

const report = {
  service: 'auth',
  at: 1,
  status: 'degraded',
  ready: true,
  database: { status: 'connected', latencyMs: 0.5, code: null },
  pool: {
    poolSize: 1,
    maxOverflow: 0,
    total: 1,
    idle: 0,
    checkedOut: 1,
    overflow: 0,
    connecting: 0,
    waiting: 0,
    behind: 0,
    oldestLeaseMs: null,
    longestWaitMs: null,
  },
  samples: [],
  blockages: [],
  events: [{ type: 'saturated', code: 'A\u001b[2J', at: '2026-01-01T00:00:00.000Z' }],
  advice: [{ level: 'warning', code: 'new-kind', text: 'One\n\u0007two' }],
}

test('a report is read with what a newer service adds left out, and with control characters shown', () => {
  const read = parseMonitorReport({ ...report, addition: 1, pool: { ...report.pool, counters: {} } })
  expect(read).toEqual({
    ...report,
    status: 'degraded',
    database: { status: 'connected', latencyMs: 0.5, code: null },
    cluster: null,
    events: [{ type: 'saturated', code: 'A\\u{1b}[2J', at: '2026-01-01T00:00:00.000Z', detail: null }],
    advice: [{ level: 'warning', code: 'new-kind', text: 'One\\n\\u{7}two' }],
  })
})

test('the hosts of a database are read, also in a role that only a newer service knows', () => {
  const host = { host: 'db-1\u001b[2J:5432', role: 'primary' as const, timeline: 2, lagMs: null, code: null }
  const hosts = [host, { ...host, host: 'db-2:5432', role: 'witness' }]
  expect(parseMonitorReport({ ...report, cluster: { hosts, failovers: 1, replicas: [] } })?.cluster).toEqual({
    hosts: [
      { ...host, host: 'db-1\\u{1b}[2J:5432' },
      { ...host, host: 'db-2:5432', role: 'unknown' as const },
    ],
    replicas: [],
  })
})

test('the samples of a service that does not count its statements are read too', () => {
  const sample = {
    at: 1,
    idle: 0,
    used: 0,
    overflow: 0,
    connecting: 0,
    waiting: 0,
    behind: 0,
    max: null,
    checkouts: 0,
    waitP99Ms: null,
    useP50Ms: null,
    useP99Ms: null,
    failures: 0,
    health: null,
  }
  const samples = [sample, { ...sample, statements: 3 }]
  expect(parseMonitorReport({ ...report, samples })?.samples).toEqual([
    { ...sample, statements: null },
    { ...sample, statements: 3 },
  ])
})

test.each([
  ['nothing', null],
  ['a text', 'OK'],
  ['a problem', { type: 'about:blank', status: 404 }],
  ['a report of another shape', { ...report, pool: undefined }],
  ['a date that is none', { ...report, events: [{ type: 'a', code: null, at: 'now' }] }],
])('%s is no report', (_what, body) => {
  expect(parseMonitorReport(body)).toBeNull()
})
