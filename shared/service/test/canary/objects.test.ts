import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createDatabase, type Database, findDatabaseError, migrate } from '@shared/database'
import { createMigrationEnv, createServiceEnv, databaseOptions, EnvironmentError } from '@shared/env'
import { createMonitor } from '@shared/monitor'
import { eventually, startFaultProxy, startTestServer, type TestServer } from '@shared/postgres/testing'
import { createRequestCounts } from '../../src/context/requests.ts'
import { readDetailedHealth } from '../../src/health/health-report.ts'
import { describeError, toProblem } from '../../src/index.ts'
import { isLeak, leaksOf, secrets } from './canary.ts'

const definition = { service: 'test', database: 'test_db', port: 8001 }
type AnyDatabase = Database<Record<string, never>>

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await server.database('test')
  const admin = createDatabase({ name: 'admin', url: server.adminUrl })
  const password = secrets.DATABASE_PASSWORD.replaceAll("'", "''")
  await admin.db.execute(`alter role test_app password '${password}'`)
  await admin.close()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose]())

const environment = (changes: Record<string, string> = {}) => ({
  DATABASE_HOST: server.host,
  DATABASE_PORT: String(server.port),
  DATABASE_NAME: 'test_db',
  DATABASE_USER: 'test_app',
  MIGRATION_USER: 'test_migrator',
  ...secrets,
  ...changes,
})

function open(changes: Record<string, string> = {}): AnyDatabase {
  const env = createServiceEnv({ ...definition, environment: environment(changes) })
  return createDatabase({ name: 'test', ...databaseOptions(env) })
}

async function errorOf(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

/** What an error shows: printed, described for a log line, and answered to a client. */
const shownBy = (error: unknown) => [
  ...leaksOf(error),
  ...leaksOf(describeError(error)),
  ...leaksOf(toProblem(error)),
  ...(isLeak(toProblem(error).message) ? ['detail'] : []),
]

test('the marks are found where a secret is shown (control)', () => {
  const { DATABASE_PASSWORD: password } = secrets
  const url = `postgres://a:${encodeURIComponent(password)}@b/c`
  const hex = Buffer.from(`x${password}`).toString('hex')
  const base64 = ['', 'a', 'ab'].map((before) => Buffer.from(before + password).toString('base64'))
  for (const text of [password, url, hex, ...base64]) expect(isLeak(text)).toBe(true)
  expect(leaksOf({ a: { b: { c: { d: { e: { f: { g: { h: password } } } } } } } })).toEqual([
    'Bun.inspect',
    'util.inspect',
    'JSON.stringify',
  ])
  const error = Object.assign(new Error('no', { cause: new Error(url) }), { options: { password } })
  expect(leaksOf(error)).toEqual(['Bun.inspect', 'util.inspect', 'JSON.stringify', 'stack'])
})

test('neither env nor what is wrong with it shows a secret', async () => {
  const env = createServiceEnv({ ...definition, environment: environment() })
  const migrationEnv = createMigrationEnv({ ...definition, environment: environment() })
  expect([leaksOf(env), leaksOf({ ...env }), leaksOf(migrationEnv)]).toEqual([[], [], []])

  const { DATABASE_PASSWORD: secret } = secrets
  const wrong: Record<string, string>[] = [
    { DATABASE_URL: `postgres://test_app:${secret}@host/test_db` },
    {
      DATABASE_URL: `postgres://test_app:${encodeURIComponent(secret)}%zz@host:x/test_db?password=${secret}`,
    },
    { DATABASE_URL: secret },
    { DATABASE_URL: `mysql://a:${encodeURIComponent(secret)}@b/c` },
    { DATABASE_PASSWORD: `${secret}\n` },
    { DATABASE_PASSWORD_FILE: `/nowhere/x` },
    { DATABASE_PASSWROD: secret },
    {
      DATABASE_PORT: secret,
      PORT: secret,
      DATABASE_NAME: secret,
      DATABASE_USER: secret,
      DATABASE_HOST: secret,
    },
    { LOG_LEVEL: secret, DATABASE_SSL_MODE: secret, DATABASE_POOL_SIZE: secret, REQUEST_TIMEOUT: secret },
    { HEALTH_TOKEN: `${secret} with spaces` },
  ]
  for (const changes of wrong) {
    const names = Object.keys(changes)
    let error: unknown = null
    try {
      createServiceEnv({ ...definition, environment: environment(changes) })
    } catch (thrown) {
      error = thrown
    }
    expect({ names, leaks: shownBy(error) }).toEqual({ names, leaks: [] })
    if (error instanceof EnvironmentError) expect(isLeak(error.report)).toBe(false)
  }
})

test('a database in use shows no secret: handle, status, events, health', async () => {
  const database = open()
  const monitor = createMonitor(database)
  try {
    await database.connect()
    await database.use(async (connection) => expect(leaksOf(connection)).toEqual([]))
    await database.db.transaction(async (tx) => expect(leaksOf(tx)).toEqual([]))
    const shown = {
      database: leaksOf(database),
      handle: leaksOf(database.db),
      client: leaksOf(database.db.$client),
      options: leaksOf(database.db.$client.options),
      status: leaksOf(database.status()),
      events: leaksOf(database.events()),
      probe: leaksOf(monitor.health),
      check: leaksOf(await monitor.health.check()),
      report: leaksOf(
        await readDetailedHealth('test', { database, monitor, requests: createRequestCounts() }),
      ),
    }
    expect(Object.entries(shown).filter(([, leaks]) => leaks.length > 0)).toEqual([])
  } finally {
    await database.close()
  }
}, 60_000)

test('errors of every kind show no secret, printed, logged or answered', async () => {
  await using proxy = await startFaultProxy({ target: server })
  const through = { DATABASE_HOST: proxy.host, DATABASE_PORT: String(proxy.port) }
  const small = {
    DATABASE_POOL_SIZE: '1',
    DATABASE_MAX_OVERFLOW: '0',
    DATABASE_POOL_TIMEOUT: '0.1',
    // An idle connection is had at once then, on any machine.
    DATABASE_POOL_PRE_PING: 'false',
  }
  const opened: AnyDatabase[] = []
  const database = (changes?: Record<string, string>) => {
    const made = open(changes)
    opened.push(made)
    return made
  }
  const wrongPassword = { DATABASE_PASSWORD: `${secrets.DATABASE_PASSWORD} wrong` }
  const url = (host: string) =>
    `postgres://test_app:${encodeURIComponent(secrets.DATABASE_PASSWORD)}@${host}:${server.port}/test_db`

  const kinds: Record<string, () => unknown> = {
    'wrong password': () => database(wrongPassword).connect(),
    'wrong password in a query': () => database(wrongPassword).db.execute('select 1'),
    'unknown database': () => database({ DATABASE_NAME: 'nowhere', DATABASE_NAME_CHECK: 'false' }).connect(),
    'unknown host': () => database({ DATABASE_HOST: 'nowhere.invalid' }).connect({ timeoutMs: 500 }),
    'nothing listens': () => database({ DATABASE_PORT: '1' }).connect({ timeoutMs: 500 }),
    'no TLS': () => database({ DATABASE_SSL_MODE: 'require' }).connect({ timeoutMs: 500 }),
    'closed pool': async () => {
      const closed = database()
      await closed.close()
      await closed.db.execute('select 1')
    },
    'exhausted pool': async () => {
      const busy = database(small)
      await busy.connect()
      const release = Promise.withResolvers<void>()
      const held = busy.use(() => release.promise)
      try {
        await busy.ping({ timeoutMs: 50 })
      } finally {
        release.resolve()
        await held
      }
    },
    'nested use': () => {
      const nested = database({ DATABASE_POOL_SIZE: '1', DATABASE_MAX_OVERFLOW: '0' })
      return nested.use(() => nested.use(() => Promise.resolve()))
    },
    'full line': async () => {
      const busy = database({ ...small, DATABASE_MAX_WAITING: '0', DATABASE_POOL_SHARED_DEPTH: '1' })
      await busy.connect()
      await busy.use(() => Promise.all([busy.use(() => Promise.resolve())]))
    },
    'over time': async () => {
      const slow = database()
      await slow.connect()
      await slow.within({ timeoutMs: 50 }, () => Promise.resolve(slow.db.execute('select pg_sleep(60)')))
    },
    'idle stream': async () => {
      const idle = database()
      const query = idle.db.execute('select generate_series(1, 100)')
      const rows = idle.stream(query, { batchSize: 1, idleTimeoutMs: 20 })
      await rows.next()
      await eventually(() => idle.status().checkedOut === 0)
      for await (const _ of rows);
    },
    'over time while connecting': async () => {
      await proxy.set('acceptThenMute')
      try {
        const mute = database(through)
        await mute.within({ timeoutMs: 50 }, () => Promise.resolve(mute.db.execute('select 1')))
      } finally {
        await proxy.set('forward')
      }
    },
    aborted: () => {
      const slow = database()
      const signal = AbortSignal.abort(new Error('hung up'))
      return slow.within({ signal }, () => Promise.resolve(slow.db.execute('select 1')))
    },
    'ended lease': async () => {
      const leased = database()
      const kept = await leased.use(async ({ db }) => ({ db }))
      await kept.db.execute('select 1')
    },
    'lost connection': async () => {
      const lost = database({ ...through, ...small })
      await lost.connect()
      const answer = errorOf(() => lost.db.execute('select pg_sleep(60)'))
      await eventually(() => lost.status().checkedOut === 1)
      proxy.cut()
      throw await answer
    },
    'a server that never answers': async () => {
      await proxy.set('acceptThenMute')
      try {
        await database({ ...through, DATABASE_CONNECT_TIMEOUT: '0.2' }).connect()
      } finally {
        await proxy.set('forward')
      }
    },
    'a server that hangs up': async () => {
      await proxy.set('acceptThenClose')
      try {
        await database(through).connect({ timeoutMs: 300 })
      } finally {
        await proxy.set('forward')
      }
    },
    'refused by the server': () => database().db.execute(`select 'x'::int, 1 / 0`),
    'no privilege': () => database().db.execute('create table t (n int)'),
    'no migrations': () => migrate({ url: url(server.host), migrationsFolder: '/nowhere' }),
    'migrations with a wrong password': () =>
      migrate({
        url: url(server.host).replace('%20p', '%20q'),
        migrationsFolder: `${import.meta.dir}/../../../../drizzle/auth/migrations`,
      }),
    'a bad URL': () => createDatabase({ name: 'bad', url: url('ho st') }),
    'a bad parameter': () =>
      createDatabase({ name: 'bad', url: `${url('host')}?password=${secrets.HEALTH_TOKEN}` }),
    'a bad option': () => createDatabase({ name: 'bad', url: url('host'), pool: { poolSize: -1 } }),
  }
  try {
    const seen = new Set<string>()
    for (const [kind, work] of Object.entries(kinds)) {
      const error = await errorOf(work)
      seen.add(findDatabaseError(error)?.code ?? 'of the server')
      expect({ kind, leaks: shownBy(error) }).toEqual({ kind, leaks: [] })
    }
    expect([...seen].sort()).toEqual([
      'CHECKOUT_TIMEOUT',
      'CONFIGURATION',
      'CONNECTION_LOST',
      'CONNECT_FAILED',
      'LEASE_ENDED',
      'MIGRATION',
      'NESTED_CHECKOUT',
      'POOL_CLOSED',
      'POOL_SATURATED',
      'STATEMENT_TIMEOUT',
      'STREAM_IDLE',
      'WORK_ABORTED',
      'of the server',
    ])
    for (const made of opened)
      expect([leaksOf(made), leaksOf(made.events()), leaksOf(made.status())]).toEqual([[], [], []])
  } finally {
    await Promise.all(opened.map((made) => made.close({ timeoutMs: 0 })))
  }
}, 60_000)
