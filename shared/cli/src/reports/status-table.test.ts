import { describe, expect, test } from 'bun:test'
import type { StatusSummary } from './status-summary.ts'
import { renderStatus } from './status-table.ts'

const now = Date.parse('2026-01-01T12:00:00.000Z')
const plain = (_colour: string, text: string): string => text
const coloured = (colour: string, text: string): string => (text === '' ? '' : `<${colour}>${text}</>`)

const pool = {
  poolSize: 10,
  maxOverflow: 20,
  total: 10,
  idle: 6,
  checkedOut: 4,
  overflow: 0,
  connecting: 0,
  waiting: 0,
  behind: 0,
  oldestLeaseMs: 12,
  longestWaitMs: null,
}
const report = {
  service: 'auth',
  at: now,
  status: 'healthy',
  ready: true,
  database: { status: 'connected', latencyMs: 0.62, code: null },
  pool,
  cluster: null,
  blockages: [],
  events: [],
  advice: [],
} as const satisfies StatusSummary['report']

const healthy: StatusSummary = {
  name: 'auth',
  url: 'http://127.0.0.1:8001',
  status: 'healthy',
  reason: '',
  report: { ...report, blockages: [], events: [], advice: [] },
  waitP99Ms: 0.3,
  failures: 0,
}
const reason = 'All 30 connections are in use, the longest for 42 s; 12 callers wait, the longest for 2.1 s.'
const saturated: StatusSummary = {
  name: 'product',
  url: 'http://127.0.0.1:8002',
  status: 'degraded',
  reason,
  report: {
    ...report,
    service: 'product',
    status: 'degraded',
    pool: { ...pool, total: 30, idle: 0, checkedOut: 30, overflow: 20, waiting: 12 },
    events: [
      {
        type: 'checkout-timeout',
        code: 'CHECKOUT_TIMEOUT',
        detail: 'waited',
        at: '2026-01-01T11:58:00.000Z',
      },
      { type: 'saturated', code: 'POOL_SATURATED', detail: null, at: '2026-01-01T11:59:54.000Z' },
      { type: 'saturated', code: 'POOL_SATURATED', detail: null, at: '2026-01-01T11:59:55.000Z' },
    ],
    advice: [{ level: 'warning', code: 'slow-statement', text: 'A statement has been running for 42 s.' }],
  },
  waitP99Ms: 2_000,
  failures: 3,
}
const down: StatusSummary = {
  name: 'cart',
  url: 'http://127.0.0.1:8003',
  status: 'unreachable',
  reason: 'It does not run: nothing answers at its address (ECONNREFUSED).',
  report: null,
  waitP99Ms: null,
  failures: null,
}
const all = [healthy, saturated, down]
const render = (width: number, paint = plain): string => renderStatus(all, { width, now, paint })

describe('the state of the services as text', () => {
  test('is a table at 120 columns', () => {
    expect(render(120).split('\n')).toEqual([
      'service  health         pool                                          used idle over wait behind wait p99  latency  fail',
      'auth     ● healthy      █████░░░░░░░░·························· /30      4    6    0    0      0   0.3 ms  0.62 ms     0',
      'product  ▲ degraded     █████████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓ /30     30    0   20   12      0      2 s  0.62 ms     3',
      'cart     ○ unreachable                                                   –    –    –    –      –        –        –     –',
      '',
      'product: All 30 connections are in use, the longest for 42 s; 12 callers wait, the longest for 2.1 s.',
      'product: warning: A statement has been running for 42 s.',
      'cart: It does not run: nothing answers at its address (ECONNREFUSED).',
      '',
      '   5 s ago  product  saturated POOL_SATURATED ×2',
      ' 2 min ago  product  checkout-timeout CHECKOUT_TIMEOUT waited',
    ])
  })

  test('gives each service lines of its own at 80 columns', () => {
    expect(render(80).split('\n').slice(0, 10)).toEqual([
      'auth             ● healthy     127.0.0.1:8001',
      '  ██████████░░░░░░░░░░░░░░░················································· /30',
      '  used 4  idle 6  over 0  wait 0  behind 0  fail 0',
      '  wait p99 0.3 ms  latency 0.62 ms',
      'product          ▲ degraded    127.0.0.1:8002',
      '  █████████████████████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓ /30',
      '  used 30  idle 0  over 20  wait 12  behind 0  fail 3',
      '  wait p99 2 s  latency 0.62 ms',
      'cart             ○ unreachable 127.0.0.1:8003',
      '',
    ])
  })

  test('breaks sentences at 60 columns, under their beginning', () => {
    expect(render(60).split('\n').slice(10)).toEqual([
      'product: All 30 connections are in use, the longest for 42',
      '         s; 12 callers wait, the longest for 2.1 s.',
      'product: warning: A statement has been running for 42 s.',
      'cart: It does not run: nothing answers at its address',
      '      (ECONNREFUSED).',
      '',
      '   5 s ago  product  saturated POOL_SATURATED ×2',
      ' 2 min ago  product  checkout-timeout CHECKOUT_TIMEOUT',
      '                     waited',
    ])
  })

  test('shows who blocks whom as a tree, those with the same statement in one line, and cuts nothing', () => {
    const victim = {
      role: 'product_app',
      application: 'product',
      blockedBy: [7],
      statement: 'update products set stock = $1 where id = $2',
    }
    const blocked: StatusSummary = {
      ...healthy,
      report: {
        ...report,
        blockages: [
          {
            blocker: {
              ...{ pid: 7, role: 'product_migrator', application: 'psql', state: null, statement: null },
              ...{ ageMs: null, transactionMs: null },
            },
            lock: { kind: 'row', mode: 'ShareLock', relation: 'products' },
            waiting: [1, 2, 2, 2].map((depth, at) => ({ ...victim, depth, pid: 11 + at, waitedMs: 3_000 })),
          },
        ],
        events: [],
        advice: [],
      },
    }
    const lines = renderStatus([blocked], { width: 120, now, paint: plain }).split('\n').slice(3)
    expect(lines).toEqual([
      'auth: pid 7 (psql · product_migrator) holds a row lock on products: (hidden from this role)',
      '  └ pid 11 (product · product_app) waits for 3 s: update products set stock = $1 where id = $2',
      '    └ pid 12 (product · product_app) waits for 3 s and 2 more: update products set stock = $1 where id = $2',
    ])
  })

  test.each([60, 61, 72, 80, 83, 84, 99, 100, 120, 200])('has no line longer than %i columns', (width) => {
    const long = { ...saturated, name: 'a-service-with-a-very-long-name' }
    const text = renderStatus([healthy, long, down], { width, now, paint: plain })
    expect(text.split('\n').filter((line) => Bun.stringWidth(line) > width)).toEqual([])
  })

  test('colours what should not be', () => {
    const text = render(120, coloured)
    for (const part of [
      '<green>● healthy</>',
      '<yellow>▲ degraded</>',
      '<red>○ unreachable</>',
      '<yellow>12</>',
      '<red>3</>',
      '<yellow>warning</>',
    ])
      expect(text).toContain(part)
  })

  test('shows the hosts of a database that has several, and how the primary has changed', () => {
    const host = { timeline: 2, lagMs: null, code: null }
    const failedOver: StatusSummary = {
      ...healthy,
      report: {
        ...report,
        cluster: {
          hosts: [
            { ...host, host: 'db-1:5432', role: 'unreachable', code: 'ECONNREFUSED' },
            { ...host, host: 'db-2:5432', role: 'primary' },
            { ...host, host: 'db-3:5432', role: 'standby', timeline: null, lagMs: 12 },
          ],
          replicas: [{ host: 'db-3:5432', pool: { total: 4, checkedOut: 1 } }],
        },
        events: [
          {
            type: 'failed-over',
            code: null,
            detail: 'the primary is db-2:5432 on time line 2, before db-1:5432 on 1',
            at: '2026-01-01T11:59:48.000Z',
          },
        ],
        advice: [],
      },
    }
    const lines = (width: number, painter = plain) =>
      renderStatus([failedOver, down], { width, now, paint: painter }).split('\n')
    expect(lines(100).slice(4)).toEqual([
      'auth: db-1:5432 unreachable (ECONNREFUSED) · db-2:5432 primary, time line 2 · db-3:5432 standby, 12',
      '      ms behind, reads use 1 of 4',
      '',
      'cart: It does not run: nothing answers at its address (ECONNREFUSED).',
      '',
      '  12 s ago  auth  failed-over the primary is db-2:5432 on time line 2, before db-1:5432 on 1',
    ])
    expect(lines(60).filter((line) => Bun.stringWidth(line) > 60)).toEqual([])
    expect(lines(200, coloured).join('\n')).toContain('db-2:5432 <green>primary, time line 2</>')
  })

  test('shows a pool without a limit by what it has open', () => {
    const unlimited = {
      ...healthy,
      report: { ...report, blockages: [], events: [], advice: [], pool: { ...pool, maxOverflow: -1 } },
    }
    expect(renderStatus([unlimited], { width: 120, now, paint: plain })).toContain(' /10 ')
  })
})
