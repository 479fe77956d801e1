import { expect, test } from 'bun:test'
import { createDatabase } from '@shared/database'
import { createMonitor } from '@shared/monitor'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { createRequestCounts } from '../src/context/requests.ts'
import { createServiceApp } from '../src/index.ts'
import { databaseLog } from '../src/log/database-log.ts'
import { listen } from '../src/serve/listen.ts'
import { keepLines } from './log-lines.ts'

/**
 * A service with one table behind a real socket, its monitor started, as `serve` puts them together.
 *
 * @param options.isWatched Default true; else the test takes the samples until it calls `watch()`.
 */
async function startStockService({
  isWatched = true,
  ...place
}: Parameters<typeof withDatabase>[0] & { isWatched?: boolean } = {}) {
  const log = keepLines()
  const postgres = await withDatabase(place)
  const migrator = createDatabase({ name: 'migrator', url: postgres.migratorUrl })
  await migrator.db.execute('create table stock (id int primary key, quantity int not null)')
  await migrator.db.execute('insert into stock values (1, 10)')
  const database = createDatabase({
    name: 'stock',
    url: postgres.appUrl,
    pool: { poolSize: 4, maxOverflow: 4, leakAfterMs: 1_500 },
    onEvent: databaseLog(log.logger),
  })
  const requests = createRequestCounts()
  const monitor = createMonitor(database, { failures: () => requests.failed })
  const app = createServiceApp({
    service: 'stock',
    version: '1',
    database,
    monitor,
    requests,
    logger: log.logger,
    health: { details: 'always' },
    requestTimeoutMs: 12_000,
  })
  app.put('/stock/:id', async (c) => {
    await database.db.execute(
      `update stock set quantity = quantity - 1 where id = ${Number(c.req.param('id'))}`,
    )
    return c.body(null, 204)
  })
  const kept = Promise.withResolvers<void>()
  app.get('/leak', async (c) => {
    await database.db.transaction(async (tx) => {
      await tx.execute('select quantity from stock')
      await kept.promise
    })
    return c.body(null, 204)
  })
  app.get('/slow', async (c) => c.json(await database.db.execute('select pg_sleep(30)')))
  const server = await listen({ fetch: app.fetch, host: '127.0.0.1', port: 0, logger: log.logger })
  if (isWatched) monitor.start()
  let timer: Timer | undefined
  const send = (path: string, init?: RequestInit) => fetch(new URL(path, server.url), init)
  return {
    postgres,
    migrator,
    kept,
    database,
    monitor,
    log,
    send,
    /** Takes a sample a second, where those of the test end. */
    watch() {
      timer = setInterval(monitor.sample, 1_000)
    },
    /** Sends so many and says how many were answered with each status. */
    async load(count: number, path: string, init?: RequestInit) {
      const statuses = await Promise.all(
        Array.from({ length: count }, async () => {
          const response = await send(path, init)
          await response.body?.cancel()
          return response.status
        }),
      )
      return Object.fromEntries(
        [...Map.groupBy(statuses, (status) => status)].map(([s, all]) => [s, all.length]),
      )
    },
    read: async (path: string) => (await send(path)).json() as Promise<Report>,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      monitor.stop()
      await server.stop(true)
      await Promise.all([database.close({ timeoutMs: 500 }), migrator.close({ timeoutMs: 500 })])
      await postgres.drop()
    },
  }
}

interface Report {
  pool: { checkedOut: number; waiting: number; behind: number }
  blockages: {
    blocker: {
      pid: number
      application: string
      role: string
      state: string | null
      statement: string | null
    }
    lock: { kind: string; relation: string | null } | null
    waiting: { depth: number; statement: string }[]
  }[]
  samples: { failures: number; waitP99Ms: number | null; waiting: number }[]
  events: { type: string; detail?: string }[]
  advice: { code: string; level: string; text: string }[]
}

/** Holds a lock on a connection until it is released. */
async function hold(
  database: {
    db: {
      transaction: (
        fn: (tx: { execute(text: string): PromiseLike<unknown> }) => Promise<void>,
      ) => Promise<void>
    }
  },
  statement: string,
) {
  const held = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const transaction = database.db.transaction(async (tx) => {
    await tx.execute(statement)
    held.resolve()
    await over.promise
  })
  transaction.catch(held.reject)
  await held.promise
  return async () => {
    over.resolve()
    await transaction.catch(() => undefined)
  }
}

const failuresOf = ({ samples }: Report): number => samples.reduce((sum, { failures }) => sum + failures, 0)
const codesOf = ({ advice }: Report): string[] => advice.map(({ code }) => code)
const adviceOf = ({ advice }: Report, code: string) => advice.find((one) => one.code === code)

test('a locked row with 60 callers behind it: who holds it is named by the second sample, what failed is counted, and it is said afterwards', async () => {
  await using service = await startStockService({ isWatched: false })
  const { database, monitor, send, load, read, log } = service
  // Another process of the same service, whose statements its role may see.
  const other = createDatabase({ name: 'stock-worker', url: service.postgres.appUrl })
  const release = await hold(other, "update stock set quantity = 0 where id = 1 /* 'secret' */")
  const answered = load(60, '/stock/1', { method: 'PUT' })
  await eventually(() => database.status().checkedOut === 8 && database.status().waiting > 0)
  // The first sees callers wait, and the second sees them wait for long.
  monitor.sample()
  await eventually(() => monitor.seen().server !== null)
  await eventually(() => (database.status().longestWaitMs ?? 0) > 2_000)
  monitor.sample()
  const during = await eventually(
    async () => {
      const report = await read('/health/monitor')
      expect(adviceOf(report, 'blocked')?.level).toBe('critical')
      return report
    },
    { intervalMs: 50 },
  )
  service.watch()
  // All eight wait only once those that shared a connection have been given one each.
  const blockage = await eventually(
    async () => {
      const [found] = (await read('/health/detailed')).blockages
      expect(found?.waiting).toHaveLength(8)
      // The monitor asks for itself, and remembers the most that it has seen.
      expect(monitor.seen().blockages[0]?.waiting).toHaveLength(8)
      return found
    },
    { intervalMs: 50 },
  )
  expect({
    samples: during.samples.length,
    blocker: blockage?.blocker,
    lock: blockage?.lock,
    statements: [...new Set(blockage?.waiting.map(({ statement }) => statement))],
    depths: [...new Set(blockage?.waiting.map(({ depth }) => depth))],
    victims: blockage?.waiting.length,
  }).toMatchObject({
    samples: 2,
    blocker: {
      application: 'stock-worker',
      state: 'idle in transaction',
      statement: 'update stock set quantity = ? where id = ?',
    },
    lock: { kind: 'row', relation: 'stock' },
    statements: ['update stock set quantity = quantity - ? where id = ?'],
    depths: [1, 2],
    victims: 8,
  })
  const text = adviceOf(during, 'blocked')?.text ?? ''
  expect(text).toContain('for a row lock on stock')
  expect(text).toContain('application "stock-worker"')
  expect(text).toContain('its last statement: update stock set quantity = ? where id = ?')
  expect(text).toContain('× update stock set quantity = quantity - ? where id = ?')
  expect(codesOf(during)).toEqual(['blocked'])
  await eventually(async () => {
    const { samples } = await read('/health/monitor')
    return samples.some(({ waitP99Ms }) => (waitP99Ms ?? 0) >= 1_000)
  })

  const statuses = await answered
  expect(Object.keys(statuses)).toEqual(['503'])
  await release()
  const after = await eventually(
    async () => {
      const report = await read('/health/monitor')
      expect(report.events.map(({ type }) => type)).toContain('recovered')
      // The server is asked once more after that.
      expect(report.blockages).toEqual([])
      return report
    },
    { intervalMs: 100 },
  )
  expect({
    counted: failuresOf(after),
    // A server that is slow to cancel loses the connections of what it should have cancelled: they are failures of their own.
    codes: codesOf(after).filter(
      (code) => code !== 'failures' || database.status().counters.closes.lost === 0,
    ),
    level: adviceOf(after, 'blocked')?.level,
    events: [...new Set(after.events.map(({ type }) => type))].filter((type) =>
      ['degraded', 'blocked', 'recovered'].includes(type),
    ),
  }).toEqual({
    counted: statuses[503] ?? 0,
    codes: ['blocked'],
    level: 'warning',
    events: ['degraded', 'blocked', 'recovered'],
  })
  expect(adviceOf(after, 'blocked')?.text).toMatch(
    /^Until .* ago, for .*, 8 statements waited for a row lock on stock, 8 of 8 connections in use, up to \d+ callers in the queue, 60 failed\. Pid \d+ \(application "stock-worker", .* held it; its last statement: update stock/,
  )
  const lines = log.lines().filter(({ event }) => event === 'recovered')
  expect(lines).toMatchObject([{ level: 'info', detail: expect.stringContaining('60 failed') }])
  expect((await send('/stock/1', { method: 'PUT' })).status).toBe(204)
  await other.close()
}, 180_000)

test('of a blocker of another role all is named but the statement that this role may not see', async () => {
  await using service = await startStockService()
  const release = await hold(service.migrator, 'lock table stock in access exclusive mode')
  const answered = service.load(3, '/stock/1', { method: 'PUT' })
  const report = await eventually(
    async () => {
      const read = await service.read('/health/monitor')
      expect(codesOf(read)).toContain('blocked')
      return read
    },
    { intervalMs: 50 },
  )
  expect(report.blockages).toMatchObject([
    {
      blocker: {
        application: 'migrator',
        role: expect.stringContaining('migrator'),
        state: null,
        statement: null,
      },
      lock: { kind: 'table', relation: 'stock' },
    },
  ])
  expect(adviceOf(report, 'blocked')?.text).toContain(
    'its statement is hidden from this role: ask pg_stat_activity as',
  )
  await release()
  expect(await answered).toEqual({ 204: 3 })
}, 180_000)

test('slow statements that fill the pool are named, and a larger pool is not advised', async () => {
  await using service = await startStockService()
  const answered = service.load(20, '/slow')
  await eventually(
    async () => {
      const report = await service.read('/health/monitor')
      expect(adviceOf(report, 'saturated')?.text).toContain('select pg_sleep(?)')
    },
    { intervalMs: 100 },
  )
  const statuses = await answered
  const after = await eventually(
    async () => {
      const report = await service.read('/health/monitor')
      expect(report.events.map(({ type }) => type)).toContain('recovered')
      return report
    },
    { intervalMs: 100 },
  )
  expect({ failed: failuresOf(after), statuses }).toEqual({ failed: 20, statuses: { 503: 20 } })
  expect(codesOf(after)).not.toContain('waiting')
  expect(adviceOf(after, 'saturated')?.text).toMatch(
    /^8 of 8 connections were at the same statement, for up to .*: select pg_sleep\(\?\)\./,
  )
  expect(adviceOf(after, 'saturated')?.text).not.toContain('raise DATABASE_POOL_SIZE')
}, 180_000)

test('transactions that do nothing and fill the pool are named with their place and their last statement', async () => {
  await using service = await startStockService()
  const leaking = service.load(8, '/leak')
  await eventually(() => service.database.status().checkedOut === 8)
  const answered = service.load(4, '/stock/1', { method: 'PUT' })
  const report = await eventually(
    async () => {
      const read = await service.read('/health/monitor')
      expect(codesOf(read)).toEqual(expect.arrayContaining(['leaked-lease', 'saturated']))
      return read
    },
    { intervalMs: 100 },
  )
  expect(adviceOf(report, 'leaked-lease')?.text).toContain('incident.test.ts')
  expect(adviceOf(report, 'saturated')?.text).toMatch(
    /^8 of 8 connections are idle in transaction for up to .*; the last statement: select quantity from stock\./,
  )
  service.kept.resolve()
  const [leaked, others] = [await leaking, await answered]
  const after = await eventually(
    async () => {
      const read = await service.read('/health/monitor')
      expect(read.events.map(({ type }) => type)).toContain('recovered')
      return read
    },
    { intervalMs: 100 },
  )
  expect(failuresOf(after)).toBe((leaked[503] ?? 0) + (others[503] ?? 0))
}, 180_000)

test('a server that has no connection left for the role is reported as that, with what callers lost', async () => {
  await using service = await startStockService({ service: 'stock', connectionLimit: 12 })
  const { postgres, load, read } = service
  const holder = createDatabase({
    name: 'holder',
    url: postgres.appUrl,
    pool: { poolSize: 12, maxOverflow: 0, sharedDepth: 1 },
    connection: { definitionsCheckMs: 0 },
  })
  await service.send('/stock/1', { method: 'PUT' })
  await eventually(async () => (await read('/health/monitor')).samples.length > 0)
  service.database.invalidate()
  const over = Promise.withResolvers<void>()
  const held = Array.from({ length: 12 }, () => holder.use(() => over.promise).catch(() => undefined))
  // What the server has ended counts until it has: the holder gets that too.
  const role = new URL(postgres.appUrl).username
  const connections = () =>
    service.migrator.db.execute<{ name: string }>(
      `select application_name as name from pg_stat_activity where usename = '${role}'`,
    )
  await eventually(async () => {
    const names = (await connections()).map(({ name }) => name)
    return names.length === 12 && !names.includes('stock') && holder.status().counters.connectFailures > 0
  })
  const statuses = await load(5, '/stock/1', { method: 'PUT' })
  const report = await eventually(
    async () => {
      const found = await read('/health/monitor')
      expect(failuresOf(found)).toBe(statuses[503] ?? 0)
      expect(codesOf(found)).toContain('failures')
      return found
    },
    { intervalMs: 100 },
  )
  over.resolve()
  await Promise.all(held)
  await holder.close({ timeoutMs: 500 })
  const failures = adviceOf(report, 'failures')
  expect({ statuses, level: failures?.level }).toEqual({ statuses: { 503: 5 }, level: 'critical' })
  expect(failures?.text).toMatch(
    /connects? failed \(53300\) while the database answers: the server has no connection left for this role/,
  )
}, 180_000)
