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
    oldestLeaseMs: null,
    longestWaitMs: null,
  },
  samples: [],
  events: [{ type: 'saturated', code: 'A\u001b[2J', at: '2026-01-01T00:00:00.000Z' }],
  advice: [{ level: 'warning', code: 'new-kind', text: 'One\n\u0007two' }],
}

test('a report is read with what a newer service adds left out, and without control characters', () => {
  const read = parseMonitorReport({ ...report, addition: 1, pool: { ...report.pool, counters: {} } })
  expect(read).toEqual({
    ...report,
    status: 'degraded',
    database: { status: 'connected', latencyMs: 0.5, code: null },
    events: [{ type: 'saturated', code: 'A [2J', at: '2026-01-01T00:00:00.000Z' }],
    advice: [{ level: 'warning', code: 'new-kind', text: 'One two' }],
  })
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
