import { describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { createDatabase } from '@shared/database'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { createServiceApp } from '../src/index.ts'
import { listen } from '../src/serve/listen.ts'
import { createFakeDatabase } from './fake-database.ts'
import { keepLines } from './log-lines.ts'

/** A service with slow routes, on a pool of one connection, behind a real socket. */
async function startSlowService(requestTimeoutMs: number) {
  const log = keepLines()
  const postgres = await withDatabase()
  const database = createDatabase({
    name: 'slow',
    url: postgres.appUrl,
    pool: { poolSize: 1, maxOverflow: 0, sharedDepth: 1 },
  })
  const observer = createDatabase({ name: 'observer', url: postgres.appUrl })
  const { db } = database
  const app = createServiceApp({
    service: 'slow',
    version: '1',
    database,
    logger: log.logger,
    requestTimeoutMs,
  })
  app.get('/sleep', async (c) => c.json(await db.execute('select pg_sleep(60)')))
  app.post('/sleep', async (c) => {
    await c.req.json()
    await db.transaction(async (tx) => {
      await tx.execute('select 1')
      await tx.execute('select pg_sleep(60)')
    })
    return c.body(null, 204)
  })
  app.get('/pid', async (c) => c.json(await db.execute('select pg_backend_pid() as pid')))
  const server = await listen({ fetch: app.fetch, host: '127.0.0.1', port: 0, logger: log.logger })

  const backends = () =>
    observer.db.execute<{ pid: number; state: string }>(
      `select pid, state from pg_stat_activity where datname = current_database() and application_name = 'slow'`,
    )
  return {
    log,
    database,
    send: (path: string, init?: RequestInit) => fetch(new URL(path, server.url), init),
    backends: async () => (await backends()).map(({ pid, state }) => ({ pid, state })),
    async reachesState(state: string) {
      await eventually(async () => (await backends()).some((backend) => backend.state === state))
    },
    /** Sends a request and does not read the answer. */
    async sendRaw(request: string) {
      const socket = connect({ host: '127.0.0.1', port: server.port })
      await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
      socket.write(request)
      return { hangUp: () => socket.destroy() }
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true)
      await database.close({ timeoutMs: 0 })
      await observer.close()
      await postgres.drop()
    },
  }
}

type SlowService = Awaited<ReturnType<typeof startSlowService>>

const requests = {
  'a statement': 'GET /sleep HTTP/1.1\r\nHost: slow\r\n\r\n',
  'a transaction':
    'POST /sleep HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  'a transaction whose body came in chunks':
    'POST /sleep HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
}

/** The one connection is free, is the one it was, and serves what comes next. */
async function expectFree(service: SlowService, before: { pid: number }[]) {
  await service.reachesState('idle')
  await eventually(() => service.database.status().checkedOut === 0)
  expect(await service.database.db.execute('select pg_backend_pid() as pid')).toMatchObject([
    { pid: before[0]?.pid },
  ])
  expect(service.database.status()).toMatchObject({
    total: 1,
    idle: 1,
    checkedOut: 0,
    waiting: 0,
    counters: { connects: 1 },
  })
}

describe('a client that disconnects', () => {
  test.each(Object.entries(requests))(
    'on %s frees the backend, which goes on serving; the log has it at level info',
    async (_name, request) => {
      await using service = await startSlowService(60_000)
      await service.send('/pid')
      const before = await service.backends()
      const client = await service.sendRaw(request)
      await service.reachesState('active')
      client.hangUp()
      await expectFree(service, before)

      const [method, path] = request.split(' ')
      const lines = () => service.log.lines().filter((line) => line.path === path)
      await eventually(() => lines().length > 0)
      const [line, ...more] = lines()
      expect(more).toEqual([])
      expect(line).toMatchObject({ level: 'info', method, status: 499, code: 'client-gone' })
      expect(line).not.toHaveProperty('err')
    },
    60_000,
  )

  test.each([
    'Content-Length: 100\r\n\r\n{',
    'Transfer-Encoding: chunked\r\n\r\n64\r\n{',
    'Transfer-Encoding: chunked\r\n\r\nno number\r\n',
  ])(
    'amid its body is no error of the service (%j)',
    async (rest) => {
      await using service = await startSlowService(60_000)
      const head = 'POST /sleep HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\n'
      const client = await service.sendRaw(head + rest)
      // The server answers connections in turn: it has seen that one.
      await service.send('/pid')
      client.hangUp()
      const line = () => service.log.lines().find(({ path }) => path === '/sleep')
      await eventually(() => line() !== undefined)
      expect(line()).toMatchObject({ level: 'info', status: 499, code: 'client-gone' })
    },
    60_000,
  )

  test('in the queue leaves it at once', async () => {
    await using service = await startSlowService(60_000)
    const release = Promise.withResolvers<void>()
    const held = service.database.use(() => release.promise)
    await eventually(() => service.database.status().checkedOut === 1)
    const client = await service.sendRaw(requests['a statement'])
    await eventually(() => service.database.status().waiting === 1)
    client.hangUp()
    await eventually(() => service.database.status().waiting === 0)
    expect(service.database.status()).toMatchObject({ checkedOut: 1 })
    release.resolve()
    await held
  }, 60_000)
})

describe('a request over its time', () => {
  test.each(['GET', 'POST'])(
    'is a 503 problem, and its backend is free (%s)',
    async (method) => {
      await using service = await startSlowService(2_000)
      // Beside the requests, whose time is short.
      await service.database.connect()
      const before = await service.backends()
      const body = method === 'POST' ? '{}' : undefined
      const headers = { 'Content-Type': 'application/json' }
      const response = await service.send('/sleep', { method, body, headers })
      expect(response.headers.get('Content-Type')).toBe('application/problem+json')
      expect(await response.json()).toMatchObject({ status: 503, code: 'request-timeout' })
      await expectFree(service, before)
      expect(service.log.lines().find((line) => line.path === '/sleep')).toMatchObject({
        level: 'error',
        status: 503,
        code: 'request-timeout',
        err: { code: 'STATEMENT_TIMEOUT' },
      })
    },
    60_000,
  )
})

test('the index and the health routes are not bound: they use nothing of the pool', async () => {
  const { database, monitor } = createFakeDatabase()
  const bound: (number | undefined)[] = []
  const app = createServiceApp({
    service: 'test',
    version: '1',
    requestTimeoutMs: 7,
    health: { details: 'always' },
    monitor,
    database: {
      ...database,
      within: (options, fn) => {
        bound.push(options.timeoutMs)
        return fn()
      },
    },
  })
  app.get('/things', (c) => c.json([]))
  for (const path of ['/', '/livez', '/readyz', '/health', '/health/detailed']) await app.request(path)
  expect(bound).toEqual([])
  await app.request('/things')
  expect(bound).toEqual([7])
})
