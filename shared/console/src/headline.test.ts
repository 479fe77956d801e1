import { expect, test } from 'bun:test'
import { headline } from './headline.ts'
import type { Cluster, MonitorReport } from './monitor-report.ts'
import { asking, type ServiceView } from './wire.ts'

type Report = Omit<MonitorReport, 'samples'>

const report: Report = {
  service: 'auth',
  at: 0,
  status: 'healthy',
  ready: true,
  database: { status: 'connected', latencyMs: 1, code: null },
  pool: {
    poolSize: 4,
    maxOverflow: 4,
    total: 8,
    idle: 0,
    checkedOut: 8,
    overflow: 4,
    connecting: 0,
    waiting: 3,
    behind: 0,
    oldestLeaseMs: null,
    longestWaitMs: null,
  },
  cluster: null,
  blockages: [],
  events: [],
  advice: [],
}
const view = (name: string, status: ServiceView['status'], changed: Partial<Report> = {}): ServiceView => ({
  name,
  status,
  url: 'http://127.0.0.1:8001',
  pages: [],
  reason: '',
  report: {
    ...report,
    status: status === 'unhealthy' || status === 'degraded' ? status : 'healthy',
    ...changed,
  },
  samples: [],
})
const silent = (name: string, status: ServiceView['status'], reason: string): ServiceView => ({
  ...view(name, status),
  reason,
  report: null,
})
const down = { status: 'disconnected', latencyMs: null, code: 'ECONNREFUSED' } as const
const standby = { host: 'db-2:5432', role: 'standby', timeline: 1, lagMs: 0, code: null } as const
const gone = { ...standby, role: 'unreachable' as const }
const cluster: Cluster = { hosts: [standby], replicas: [] }
const blockage: Report['blockages'][number] = {
  blocker: {
    pid: 1,
    role: null,
    application: null,
    state: null,
    ageMs: null,
    transactionMs: null,
    statement: null,
  },
  lock: { kind: 'row', mode: 'ShareLock', relation: 'stock' },
  waiting: [
    { pid: 2, role: null, application: null, depth: 1, blockedBy: [1], waitedMs: 5, statement: null },
  ],
}

test.each<[string, readonly ServiceView[], string]>([
  ['nobody has answered yet', [silent('auth', 'unknown', asking)], asking],
  ['all are healthy', [view('auth', 'healthy'), view('cart', 'healthy')], 'All 2 services are healthy'],
  ['the only one is healthy', [view('auth', 'healthy')], 'auth is healthy'],
  [
    'PostgreSQL is down',
    [view('auth', 'healthy'), view('product', 'unhealthy', { database: down })],
    'product is unhealthy: PostgreSQL does not answer (ECONNREFUSED)',
  ],
  [
    'only standbys answer',
    [view('product', 'unhealthy', { database: down, cluster })],
    'product is unhealthy: none of its PostgreSQL hosts is the primary',
  ],
  [
    'no host answers',
    [view('product', 'unhealthy', { database: down, cluster: { hosts: [gone, gone], replicas: [] } })],
    'product is unhealthy: none of its 2 PostgreSQL hosts answers',
  ],
  [
    'migrations are missing',
    [{ ...view('cart', 'unhealthy'), reason: 'Its database lacks migrations: apply them.' }],
    'cart is unhealthy: its database lacks migrations',
  ],
  [
    'a pool is full',
    [view('product', 'degraded')],
    'product is degraded: all 8 connections are in use and 3 callers wait',
  ],
  [
    'a pool is full and nobody waits',
    [view('product', 'degraded', { pool: { ...report.pool, waiting: 0 } })],
    'product is degraded: all 8 connections are in use',
  ],
  [
    'a pool cannot grow',
    [view('product', 'degraded', { pool: { ...report.pool, checkedOut: 1 } })],
    'product is degraded: no more connections can be opened and 3 callers wait',
  ],
  [
    'a lock is held',
    [view('product', 'degraded', { blockages: [blockage] })],
    'product is degraded: 1 statement waits for a row lock on stock',
  ],
  [
    'a service does not run',
    [silent('cart', 'unreachable', 'It does not run: nothing answers at its address (ECONNREFUSED).')],
    'cart is unreachable: it does not run',
  ],
  [
    'a service does not answer',
    [silent('cart', 'unreachable', 'It does not answer within 0.5 s.')],
    'cart is unreachable: it does not answer within 0.5 s',
  ],
  [
    'a service shows nothing',
    [silent('cart', 'unknown', 'It runs, but its details need a token: set HEALTH_TOKEN.')],
    'cart: it runs, but its details need a token',
  ],
])('when %s, the headline says so', (_when, views, text) => {
  expect(headline(views).text).toBe(text)
})

test('the headline names the worst service first, and the others that are not healthy', () => {
  const views = [
    view('auth', 'degraded'),
    silent('cart', 'unreachable', 'It does not run: nothing answers.'),
    view('product', 'unhealthy', { database: down }),
    view('orders', 'healthy'),
  ]
  expect([
    headline(views),
    headline([...views, view('mail', 'degraded'), view('search', 'degraded')]),
  ]).toEqual([
    {
      status: 'unhealthy',
      text: 'product is unhealthy: PostgreSQL does not answer (ECONNREFUSED), and 2 more are not healthy: cart, auth',
      title: 'product is unhealthy, 2 more',
    },
    {
      status: 'unhealthy',
      text: 'product is unhealthy: PostgreSQL does not answer (ECONNREFUSED), and 4 more are not healthy',
      title: 'product is unhealthy, 4 more',
    },
  ])
})
