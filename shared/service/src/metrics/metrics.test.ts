import { describe, expect, test } from 'bun:test'
import {
  confinedServer,
  createFakeDatabase,
  type FakeAnswers,
  failedOverHosts,
  idlePool,
} from '../../test/fake-database.ts'
import { readMetrics } from '../../test/read-metrics.ts'
import {
  createServiceApp,
  type EventLoopMonitor,
  type HealthAccess,
  notFound,
  type ServiceApp,
} from '../index.ts'

const token = 'a-token-of-some-length'

function setUp(
  options: { answers?: Partial<FakeAnswers>; health?: HealthAccess; eventLoop?: EventLoopMonitor } = {},
) {
  const fake = createFakeDatabase(options.answers)
  const { health = { details: 'always' }, eventLoop } = options
  const app = createServiceApp({
    service: 'test',
    version: '1.2.3',
    database: fake.database,
    monitor: fake.monitor,
    health,
    eventLoop,
  })
  app.get('/things/:id', (c) => {
    if (c.req.param('id') === 'none') throw notFound('thing')
    if (c.req.param('id') === 'broken') throw new Error('broken')
    return c.json({})
  })
  app.post('/things', (c) => c.json({}, 201))
  return { ...fake, app }
}

async function scrape(app: ServiceApp) {
  const response = await app.request('/metrics')
  expect(response.status).toBe(200)
  return readMetrics(await response.text())
}

const pool = { db_client_connection_pool_name: 'test' }

describe('/metrics', () => {
  test('is Prometheus text in its own content type, never cached, also for HEAD', async () => {
    const { app } = setUp()
    const [get, head] = [await app.request('/metrics'), await app.request('/metrics', { method: 'HEAD' })]
    for (const { status, headers } of [get, head])
      expect([status, headers.get('Content-Type'), headers.get('Cache-Control')]).toEqual([
        200,
        'text/plain; version=0.0.4; charset=utf-8',
        'no-store',
      ])
    expect(await head.text()).toBe('')
  })

  const guarded: [name: string, health: HealthAccess, headers: Record<string, string>, status: number][] = [
    ['everyone where details are for everyone', { details: 'always' }, {}, 200],
    ['the token', { details: 'token', token }, { Authorization: `Bearer ${token}` }, 200],
    ['no token', { details: 'token', token }, {}, 401],
    ['a wrong token', { details: 'token', token }, { Authorization: `Bearer ${token}x` }, 401],
    ['nobody where details are never shown', { details: 'never' }, {}, 404],
  ]
  test.each(guarded)('answers %s', async (_name, health, headers, status) => {
    const { app, calls } = setUp({ health })
    for (const path of ['/metrics', '/health/monitor', '/health/detailed'])
      expect([path, (await app.request(path, { headers })).status]).toEqual([path, status])
    expect(calls.check > 0).toBe(status === 200)
  })

  test('runs no query, however often it is scraped', async () => {
    const { app, calls } = setUp()
    for (let i = 0; i < 50; i++) await scrape(app)
    expect(calls).toEqual({ check: 0, details: 0, connect: 0, close: 0 })
  })

  test('has these names and types, and no other', async () => {
    const lag = { meanMs: 1, p99Ms: 2, maxMs: 3, since: '' }
    const { app } = setUp({ eventLoop: { lag: () => lag, stop: () => undefined } })
    const { types } = await scrape(app)
    const named = (type: string) =>
      Object.keys(types)
        .filter((name) => types[name] === type)
        .sort()
    expect({ counters: named('counter'), histograms: named('histogram'), untyped: named('untyped') }).toEqual(
      {
        counters: [
          ...[
            'cancels',
            'checkouts',
            'closes',
            'connect_failures',
            'connects',
            'invalidations',
            'leaks',
            'ping_failures',
            'pings',
            'recycles',
            'saturations',
            'timeouts',
            'waits',
          ].map((name) => `db_client_connection_${name}_total`),
          'db_client_reads_total',
          'db_client_statement_stalls_total',
          'db_failovers_total',
          'http_requests_total',
          'process_cpu_seconds_total',
          'process_cpu_system_seconds_total',
          'process_cpu_user_seconds_total',
        ],
        histograms: [
          'db_client_connection_create_time_seconds',
          'db_client_connection_use_time_seconds',
          'db_client_connection_wait_time_seconds',
          'http_request_duration_seconds',
        ],
        untyped: ['db_client_connection_count'],
      },
    )
    expect(named('gauge')).toEqual([
      'db_blocked_seconds',
      'db_blocked_statements',
      'db_client_connection_behind_requests',
      'db_client_connection_connecting',
      'db_client_connection_idle_max',
      'db_client_connection_max',
      'db_client_connection_overflow',
      'db_client_connection_pending_requests',
      'db_client_connection_pool_size',
      'db_probe_latency_seconds',
      'db_role_ceiling',
      'db_role_ceiling_allowance',
      'db_role_ceiling_processes',
      'db_role_ceiling_used',
      'db_role_connections_limit',
      'db_role_connections_used',
      'db_server_connections_max',
      'db_server_connections_used',
      'db_server_replication_lag_seconds',
      'db_server_role',
      'db_up',
      'http_requests_in_flight',
      'nodejs_eventloop_lag_max_seconds',
      'nodejs_eventloop_lag_mean_seconds',
      'nodejs_eventloop_lag_p99_seconds',
      'nodejs_external_memory_bytes',
      'nodejs_heap_size_used_bytes',
      'process_max_fds',
      'process_open_fds',
      'process_resident_memory_bytes',
      'process_runtime_info',
      'process_start_time_seconds',
    ])
  })
})

describe('the metrics of the pool', () => {
  test('are one snapshot of it', async () => {
    const { app, answers } = setUp()
    answers.pool = { total: 15, idle: 2, checkedOut: 12, connecting: 1, overflow: 5, waiting: 7 }
    answers.pool.counters = {
      ...idlePool.counters,
      checkouts: 100,
      timeouts: 3,
      cancels: 8,
      closes: { ...idlePool.counters.closes, lost: 4 },
    }
    answers.eventCounts = { 'statement-stalled': 5, 'lease-leaked': 6 }
    const { value } = await scrape(app)
    const of = (name: string, labels = {}) => value(`db_client_${name}`, { ...pool, ...labels })
    expect({
      idle: of('connection_count', { db_client_connection_state: 'idle' }),
      used: of('connection_count', { db_client_connection_state: 'used' }),
      max: of('connection_max'),
      kept: of('connection_idle_max'),
      size: of('connection_pool_size'),
      overflow: of('connection_overflow'),
      connecting: of('connection_connecting'),
      pending: of('connection_pending_requests'),
      checkouts: of('connection_checkouts_total'),
      timeouts: of('connection_timeouts_total'),
      cancels: of('connection_cancels_total'),
      lost: of('connection_closes_total', { reason: 'lost' }),
      recycled: of('connection_closes_total', { reason: 'recycled' }),
      stalls: of('statement_stalls_total'),
      leaks: of('connection_leaks_total'),
    }).toEqual({
      idle: 2,
      used: 12,
      max: 30,
      kept: 10,
      size: 10,
      overflow: 5,
      connecting: 1,
      pending: 7,
      checkouts: 100,
      timeouts: 3,
      cancels: 8,
      lost: 4,
      recycled: 0,
      stalls: 5,
      leaks: 6,
    })
  })

  test('are +Inf where overflow has no limit', async () => {
    const { app } = setUp({ answers: { pool: { maxOverflow: -1 } } })
    expect((await scrape(app)).value('db_client_connection_max')).toBe(Number.POSITIVE_INFINITY)
  })

  test('are histograms in seconds whose buckets hold all below them', async () => {
    const waitMs = { boundsMs: [0.1, 2.5, 1_000], counts: [5, 3, 0, 2], count: 10, sumMs: 61_500 }
    const { app } = setUp({ answers: { timings: { waitMs } } })
    const { values } = await scrape(app)
    const name = 'db_client_connection_wait_time_seconds'
    const labels = 'db_client_connection_pool_name="test"'
    expect(Object.fromEntries(Object.entries(values).filter(([key]) => key.startsWith(name)))).toEqual({
      [`${name}_bucket{${labels},le="0.0001"}`]: 5,
      [`${name}_bucket{${labels},le="0.0025"}`]: 8,
      [`${name}_bucket{${labels},le="1"}`]: 8,
      [`${name}_bucket{${labels},le="+Inf"}`]: 10,
      [`${name}_sum{${labels}}`]: 61.5,
      [`${name}_count{${labels}}`]: 10,
    })
  })

  test('leave out what is not measured yet, and the latency of a probe that failed', async () => {
    const { app, answers } = setUp()
    const shown = async () => {
      const { value } = await scrape(app)
      return [
        value('db_up'),
        value('db_probe_latency_seconds'),
        value('db_server_connections_max'),
        value('db_server_connections_used'),
        value('db_role_connections_used'),
        value('db_role_connections_limit'),
      ]
    }
    expect(await shown()).toEqual(new Array(6).fill(undefined))
    const health = { status: 'connected', latencyMs: 2, code: null, checkedAt: '' } as const
    answers.seen = { health, server: confinedServer, blockages: [] }
    expect(await shown()).toEqual([1, 0.002, 97, 7, 2, 40])
    const failed = { ...health, status: 'disconnected', latencyMs: null } as const
    answers.seen = { health: failed, server: confinedServer, blockages: [] }
    expect(await shown()).toEqual([0, undefined, 97, 7, 2, 40])
  })
})

test('the metrics of a shared ceiling are absent without one', async () => {
  const { app, answers } = setUp()
  const shown = async () => {
    const { value } = await scrape(app)
    return ['', '_used', '_processes', '_allowance'].map((name) => value(`db_role_ceiling${name}`))
  }
  expect(await shown()).toEqual(new Array(4).fill(undefined))
  answers.ceiling = { limit: 67, used: 60, processes: 30, allowance: 2, isReached: true, isOn: true }
  expect(await shown()).toEqual([67, 60, 30, 2])
})

describe('the metrics of a database with several hosts', () => {
  const at = (name: string) => ({ server_address: name, server_port: '5432' })

  test('show what each host is, how far standbys are behind, failovers, and where reads went', async () => {
    const { app } = setUp({
      answers: {
        hosts: failedOverHosts,
        eventCounts: { 'failed-over': 2 },
        standbys: [{ host: { name: 'db-3', port: 5432 }, pool: { ...idlePool, name: 'test db-3:5432' } }],
        reads: { standby: 9, primary: 4, behind: 2, failed: 1 },
      },
    })
    const { value, values } = await scrape(app)
    const roles = Object.entries(values).filter(
      ([key, held]) => key.startsWith('db_server_role{') && held === 1,
    )
    const reads = Object.entries(values).filter(([key]) => key.startsWith('db_client_reads_total'))
    expect({
      roles: roles.map(([key]) =>
        /server_address="(.+?)",server_port="5432",role="(.+?)"/.exec(key)?.slice(1),
      ),
      others: [value('db_server_role', { ...at('db-1'), role: 'primary' })],
      lag: ['db-1', 'db-2', 'db-3'].map((name) => value('db_server_replication_lag_seconds', at(name))),
      failovers: value('db_failovers_total'),
      reads: Object.fromEntries(reads.map(([key, count]) => [key.replace(/.*,(?=server)/, '{'), count])),
    }).toEqual({
      roles: [
        ['db-1', 'unreachable'],
        ['db-2', 'primary'],
        ['db-3', 'standby'],
      ],
      others: [0],
      lag: [undefined, undefined, 0.2504],
      failovers: 2,
      reads: {
        '{server="standby",reason="near"}': 9,
        '{server="primary",reason="no-standby"}': 4,
        '{server="primary",reason="behind"}': 2,
        '{server="primary",reason="failed"}': 1,
      },
    })
  })

  test('have the pool of each standby under its own name, with its address', async () => {
    const standby = { ...idlePool, name: 'test db-3:5432', idle: 3, checkedOut: 2, waiting: 1 }
    const { app, answers } = setUp({
      answers: { standbys: [{ host: { name: 'db-3', port: 5432 }, pool: standby }] },
    })
    answers.pool = { idle: 5, waiting: 7 }
    const { value, values } = await scrape(app)
    const its = { db_client_connection_pool_name: 'test db-3:5432', ...at('db-3') }
    expect({
      own: value('db_client_connection_pending_requests', pool),
      waiting: value('db_client_connection_pending_requests', its),
      used: value('db_client_connection_count', { ...its, db_client_connection_state: 'used' }),
      lost: value('db_client_connection_closes_total', { ...its, reason: 'lost' }),
      ofOwn: Object.keys(values).filter((key) => key.startsWith('db_client_connection_max')),
    }).toEqual({
      own: 7,
      waiting: 1,
      used: 2,
      lost: 0,
      ofOwn: [
        'db_client_connection_max{db_client_connection_pool_name="test"}',
        'db_client_connection_max{db_client_connection_pool_name="test db-3:5432",server_address="db-3",server_port="5432"}',
      ],
    })
  })

  test('are absent with one host, but for failovers, of which there were none', async () => {
    const { value, values } = await scrape(setUp().app)
    const found = Object.keys(values).filter((key) => /^db_(server_r|client_reads)/.test(key))
    expect({ found, failovers: value('db_failovers_total') }).toEqual({ found: [], failovers: 0 })
  })
})

describe('the metrics of HTTP', () => {
  test('go by route pattern, method and status', async () => {
    const { app } = setUp()
    for (const id of ['1', '2', 'none', 'broken']) await app.request(`/things/${id}`)
    await app.request('/things', { method: 'POST' })
    await app.request('/things', { method: 'DELETE' })
    const { values } = await scrape(app)
    const requests = Object.entries(values).filter(([key]) => key.startsWith('http_requests_total'))
    expect(Object.fromEntries(requests)).toEqual({
      'http_requests_total{method="GET",route="/things/:id",status="200",ok="true"}': 2,
      'http_requests_total{method="GET",route="/things/:id",status="404",ok="false"}': 1,
      'http_requests_total{method="GET",route="/things/:id",status="500",ok="false"}': 1,
      'http_requests_total{method="POST",route="/things",status="201",ok="true"}': 1,
      'http_requests_total{method="DELETE",route="/*",status="405",ok="false"}': 1,
    })
  })

  test('leave out the routes that machines poll', async () => {
    const { app } = setUp()
    for (const path of ['/livez', '/readyz', '/health', '/health/detailed', '/health/monitor', '/metrics'])
      await app.request(path)
    const { values } = await scrape(app)
    expect(values.http_requests_in_flight).toBe(0)
    expect(Object.keys(values).filter((key) => /^http_(?!requests_in_flight$)/.test(key))).toEqual([])
  })

  test('stay as many as there are routes, whatever clients send', async () => {
    const { app } = setUp()
    const words = ['a b', '%00', '..%2f', '"', '\\', '{x="y"}', '*', ':id', 'ü', '%', '%E0%A4%A', '?a=', '//']
    for (let i = 0; i < 300; i++) {
      const word = `${words[i % words.length]}${i}`
      await app.request(`http://localhost/${word}`)
      await app.request(`http://localhost/things/${word}`)
      await app.request(`http://localhost/livez/${word}`)
      await app.request('http://localhost/things', { method: ['PROPFIND', 'LOCK', 'PURGE'][i % 3] })
    }
    const { values } = await scrape(app)
    const requests = Object.keys(values).filter((key) => key.startsWith('http_requests_total'))
    expect(new Set(requests.map((key) => /route="(.*?)"/.exec(key)?.[1]))).toEqual(
      new Set(['/*', '/', '/things/:id']),
    )
    expect(new Set(requests.map((key) => /method="(.*?)"/.exec(key)?.[1]))).toEqual(new Set(['GET', 'other']))
    expect(requests.length).toBeLessThan(8)
  })
})

test('apps in one process count for themselves', async () => {
  const [one, other] = [setUp(), setUp()]
  await one.app.request('/things/1')
  expect((await scrape(one.app)).value('http_requests_total')).toBe(1)
  expect((await scrape(other.app)).value('http_requests_total')).toBeUndefined()
})

test('the process and the event loop are measured at the scrape, the loop once', async () => {
  let reads = 0
  const eventLoop = {
    lag: () => ({ meanMs: ++reads, p99Ms: 20, maxMs: 300, since: '' }),
    stop: () => undefined,
  }
  const { app } = setUp({ eventLoop })
  const before = reads
  const { value } = await scrape(app)
  expect([
    value('nodejs_eventloop_lag_mean_seconds'),
    value('nodejs_eventloop_lag_p99_seconds'),
    value('nodejs_eventloop_lag_max_seconds'),
    reads,
  ]).toEqual([(before + 1) / 1_000, 0.02, 0.3, before + 1])
  const uptime = Date.now() / 1_000 - (value('process_start_time_seconds') ?? 0)
  expect(Math.abs(uptime - process.uptime())).toBeLessThan(5)
  const cpu = (await scrape(app)).value('process_cpu_seconds_total') ?? 0
  expect(cpu).toBeGreaterThanOrEqual(value('process_cpu_seconds_total') ?? Number.POSITIVE_INFINITY)
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e6)
  expect(value('process_runtime_info', { name: 'bun', version: Bun.version })).toBe(1)
})
