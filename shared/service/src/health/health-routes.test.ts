import { describe, expect, test } from 'bun:test'
import {
  confinedServer,
  createFakeDatabase,
  type FakeAnswers,
  failedOverHosts,
  idlePool,
} from '../../test/fake-database.ts'
import { createLifecycle, createServiceApp, type HealthAccess, type LifecycleState } from '../index.ts'

const down = { status: 'disconnected', latencyMs: null, code: 'ECONNREFUSED', checkedAt: 'x' } as const
const full = { checkedOut: 30, total: 30, idle: 0, waiting: 4 }

function setUp(
  options: { answers?: Partial<FakeAnswers>; state?: LifecycleState; health?: HealthAccess } = {},
) {
  const fake = createFakeDatabase(options.answers)
  const lifecycle = createLifecycle(options.state ?? 'ready')
  const app = createServiceApp({
    service: 'test',
    version: '1.2.3',
    database: fake.database,
    monitor: fake.monitor,
    lifecycle,
    health: options.health ?? { details: 'always' },
  })
  return { ...fake, app, lifecycle }
}

async function statusOf(app: ReturnType<typeof setUp>['app'], path: string) {
  const response = await app.request(path)
  const body = (await response.json()) as { status: unknown }
  return `${response.status} ${body.status}`
}

describe('the health table', () => {
  const rows: [string, Parameters<typeof setUp>[0], Record<string, string>][] = [
    ['connected', {}, { livez: '200 alive', readyz: '200 ready', health: '200 healthy' }],
    [
      'saturated',
      { answers: { pool: full } },
      { livez: '200 alive', readyz: '200 ready', health: '200 degraded' },
    ],
    [
      'unreachable',
      { answers: { probe: down } },
      { livez: '200 alive', readyz: '503 database-unreachable', health: '503 unhealthy' },
    ],
    [
      'starting',
      { state: 'starting', answers: { probe: down } },
      { livez: '200 alive', readyz: '503 starting', health: '503 unhealthy' },
    ],
    [
      'draining',
      { state: 'draining' },
      { livez: '200 alive', readyz: '503 draining', health: '200 healthy' },
    ],
  ]
  test.each(rows)('holds for a service that is %s', async (_name, options, expected) => {
    const { app } = setUp(options)
    expect({
      livez: await statusOf(app, '/livez'),
      readyz: await statusOf(app, '/readyz'),
      health: await statusOf(app, '/health'),
      'health/detailed': await statusOf(app, '/health/detailed'),
    }).toEqual({ ...expected, 'health/detailed': expected.health } as never)
  })

  test.each(['/livez', '/readyz', '/health', '/health/detailed'])(
    '%s answers GET and HEAD alike and is never cached',
    async (path) => {
      const { app } = setUp({ answers: { probe: down } })
      const get = await app.request(path)
      const head = await app.request(path, { method: 'HEAD' })
      expect({
        status: head.status,
        body: await head.text(),
        cache: head.headers.get('Cache-Control'),
      }).toEqual({
        status: get.status,
        body: '',
        cache: 'no-store',
      })
    },
  )

  test('liveness never uses the database', async () => {
    const { app, calls } = setUp({ answers: { probe: down } })
    await app.request('/livez')
    expect(calls).toEqual({ check: 0, details: 0, connect: 0, close: 0 })
  })

  test('readiness turns 503 the moment draining begins and does not use the database then', async () => {
    const { app, lifecycle, calls } = setUp()
    expect(await statusOf(app, '/readyz')).toBe('200 ready')
    lifecycle.drain()
    expect(await statusOf(app, '/readyz')).toBe('503 draining')
    expect(calls.check).toBe(1)
  })

  test('a full pool without waiters is degraded too, and one with a connection left is healthy', async () => {
    const { app, answers } = setUp({ answers: { pool: { checkedOut: 30, total: 30, waiting: 0 } } })
    expect(await statusOf(app, '/health')).toBe('200 degraded')
    answers.pool = { checkedOut: 29, total: 30, waiting: 0 }
    expect(await statusOf(app, '/health')).toBe('200 healthy')
  })

  test('a pool that is not full is degraded where callers have waited for long: it can open no connection', async () => {
    const { app, answers } = setUp({
      answers: { pool: { checkedOut: 1, total: 1, waiting: 4, longestWaitMs: 499 } },
    })
    expect(await statusOf(app, '/health')).toBe('200 healthy')
    answers.pool = { checkedOut: 1, total: 1, waiting: 4, longestWaitMs: 500 }
    expect(await statusOf(app, '/health')).toBe('200 degraded')
  })

  test('a pool without a limit to its overflow is never saturated', async () => {
    const { app } = setUp({ answers: { pool: { maxOverflow: -1, checkedOut: 500, total: 500 } } })
    expect(await statusOf(app, '/health')).toBe('200 healthy')
    expect((await (await app.request('/health/detailed')).json()) as unknown).toMatchObject({
      limits: { wantedConnections: null, fits: false },
    })
  })

  test('/health names service, database, latency and code', async () => {
    const { app } = setUp({ answers: { probe: down, pool: full } })
    expect((await (await app.request('/health')).json()) as unknown).toEqual({
      status: 'unhealthy',
      service: 'test',
      state: 'ready',
      reasons: ['database-unreachable', 'pool-saturated'],
      database: { name: 'fake', ...down },
    })
  })
})

describe('/health/detailed', () => {
  test('shows pool, server, limits, isolation, process and events', async () => {
    const event = { type: 'connect-failed', code: '53300', at: '2026-01-01T00:00:00.000Z' } as const
    const { app } = setUp({
      answers: {
        events: [{ ...event, detail: 'held for 60000 ms' } as never],
        pooler: { preparedStatements: false },
      },
    })
    const body = (await (await app.request('/health/detailed')).json()) as Record<string, never>
    expect(body).toMatchObject({
      pool: { poolSize: 10, maxOverflow: 20, total: 1 },
      server: { version: '18.4', uptimeMs: 60_000, inRecovery: false, longestTransactionMs: null },
      limits: {
        maxConnections: 100,
        roleConnections: 2,
        roleConnectionLimit: 40,
        wantedConnections: 31,
        fits: true,
      },
      pooler: { preparedStatements: false },
      cluster: null,
      isolation: { role: 'fake_app', confined: true, findings: [] },
      process: { uptimeMs: expect.any(Number), memory: { rssBytes: expect.any(Number) }, eventLoopLag: null },
    })
    expect(body.events).toEqual([{ ...event, detail: 'held for 60000 ms' }] as never)
  })

  test('shows when the pool could grow past the limit of its role, or of the server', async () => {
    const { app, answers } = setUp()
    const fits = async () =>
      ((await (await app.request('/health/detailed')).json()) as { limits: { fits: boolean } }).limits.fits
    answers.server = { ...confinedServer, role: { ...confinedServer.role, connectionLimit: 31 } }
    expect(await fits()).toBe(true)
    answers.server = { ...confinedServer, role: { ...confinedServer.role, connectionLimit: 30 } }
    expect(await fits()).toBe(false)
    answers.server = {
      ...confinedServer,
      maxConnections: 33,
      role: { ...confinedServer.role, connectionLimit: null },
    }
    expect(await fits()).toBe(false)
  })

  test('shows each host of a database that has several, and where reads went', async () => {
    const standby = { ...idlePool, name: 'fake db-3:5432' }
    const { app } = setUp({
      answers: {
        hosts: failedOverHosts,
        eventCounts: { 'failed-over': 1 },
        standbys: [{ host: { name: 'db-3', port: 5432 }, pool: standby }],
        reads: { standby: 9, primary: 4, behind: 2, failed: 1 },
      },
    })
    const read = async (path: string) =>
      ((await (await app.request(path)).json()) as { cluster: unknown }).cluster
    const expected = {
      hosts: [
        { host: 'db-1:5432', role: 'unreachable', timeline: 1, lagMs: null, code: 'ECONNREFUSED' },
        { host: 'db-2:5432', role: 'primary', timeline: 2, lagMs: null, code: null },
        { host: 'db-3:5432', role: 'standby', timeline: 2, lagMs: 250, code: null },
      ],
      failovers: 1,
      replicas: [{ host: 'db-3:5432', pool: standby }],
      reads: { standby: 9, primary: 4, behind: 2, failed: 1 },
    }
    expect({
      detailed: await read('/health/detailed'),
      monitor: await read('/health/monitor'),
      short: await read('/health'),
    }).toEqual({ detailed: expected, monitor: expected, short: undefined })
  })

  test('is unhealthy without a primary, also while a standby answers', async () => {
    const hosts = failedOverHosts.filter(({ role }) => role !== 'primary')
    const { app } = setUp({
      answers: {
        probe: { ...down, code: 'NO_SUITABLE_HOST' },
        hosts,
      },
    })
    expect({
      readyz: await statusOf(app, '/readyz'),
      health: await statusOf(app, '/health'),
      detailed: await (await app.request('/health/detailed')).json(),
    }).toMatchObject({
      readyz: '503 database-unreachable',
      health: '503 unhealthy',
      detailed: {
        database: { code: 'NO_SUITABLE_HOST' },
        cluster: { hosts: [{ role: 'unreachable' }, { role: 'standby' }] },
      },
    })
  })

  test('sends no query to a server that the probe cannot reach', async () => {
    const { app, calls } = setUp({ answers: { probe: down } })
    const body = (await (await app.request('/health/detailed')).json()) as unknown
    expect(body).toMatchObject({ status: 'unhealthy', server: null, limits: null, isolation: null })
    expect(calls.details).toBe(0)
  })

  const token = 'a-token-of-some-length'
  test.each([
    ['no token', {}, 401],
    ['a wrong token', { Authorization: 'Bearer a-token-of-some-lengtH' }, 401],
    ['a prefix of the token', { Authorization: 'Bearer a-token' }, 401],
    ['another scheme', { Authorization: `Basic ${token}` }, 401],
    ['the token', { Authorization: `Bearer ${token}` }, 200],
  ])('guarded by a token, answers %s with the right status', async (_name, headers, status) => {
    const { app, calls } = setUp({ health: { details: 'token', token } })
    const response = await app.request('/health/detailed', { headers: headers as Record<string, string> })
    expect(response.status).toBe(status)
    expect(response.headers.get('Cache-Control')).toBe('no-store')
    expect(response.headers.has('WWW-Authenticate')).toBe(status === 401)
    expect(calls.details).toBe(status === 200 ? 1 : 0)
  })

  test('is not there with details "never", which is the default of createServiceApp', async () => {
    const { database, monitor } = createFakeDatabase()
    const app = createServiceApp({ service: 'test', version: '1', database, monitor })
    expect((await app.request('/health/detailed')).status).toBe(404)
    expect((await app.request('/health')).status).toBe(200)
  })

  test('with details "token" and no token, the app refuses to be built', () => {
    expect(() => setUp({ health: { details: 'token' } })).toThrow(TypeError)
  })
})
