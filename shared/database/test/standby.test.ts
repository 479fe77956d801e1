import { describe, expect, test } from 'bun:test'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, startFaultProxy, startTestServer, type TestServer } from '@shared/postgres/testing'
import { DrizzleQueryError, sql } from 'drizzle-orm'
import { ConnectError, createDatabase, findDatabaseError, sqlState } from '../src/index.ts'
import { firstRow, observed } from './support.ts'

const bound = 180_000
const replica = { wal_level: 'replica' }
const thrownBy = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => null,
    (thrown: unknown) => thrown,
  )
const insert = sql`insert into standby_rows values (1)`
const count = sql`select count(*)::int as n from standby_rows`

/** A server with a table that the runtime role may write to, and that knows the password of the given URL. */
async function startServer(settings: Record<string, string>, password?: string) {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startTestServer({ settings }))
  const urls = await server.database()
  const owner = createDatabase({ name: 'owner', url: urls.migratorUrl })
  await owner.db.execute(sql`create table standby_rows (n int)`)
  await owner.close()
  const admin = createDatabase({ name: 'admin', url: urls.adminUrl, pool: { poolSize: 1, maxOverflow: 0 } })
  stack.defer(() => admin.close({ timeoutMs: 500 }))
  if (password) await admin.db.execute(sql.raw(`alter role test_app password '${password}'`))
  const owned = stack.move()
  return { server, admin, appUrl: urls.appUrl, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Stops a server; at its next start it is a standby, which recovers until it is promoted. */
async function makeStandby(server: TestServer): Promise<void> {
  await server.stop()
  writeFileSync(join(server.dataDirectory, 'standby.signal'), '')
}

/** Promotes a standby that lets nobody in, as `pg_ctl promote` does. Harmless when it has been promoted already. */
function promote({ dataDirectory }: TestServer): void {
  const [pid] = readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n')
  if (!existsSync(join(dataDirectory, 'standby.signal'))) return
  writeFileSync(join(dataDirectory, 'promote'), '')
  process.kill(Number(pid), 'SIGUSR1')
}

describe('a server that is read-only', () => {
  test(
    'fails writes with 25006 as the server says it, goes on serving reads, and takes writes when it is promoted',
    async () => {
      await using world = await startServer(replica)
      const { server, appUrl } = world
      await makeStandby(server)
      await server.restart()
      const database = createDatabase({ name: 'standby', url: appUrl, pool: { poolSize: 2, maxOverflow: 0 } })
      await using _ = { [Symbol.asyncDispose]: () => database.close() }

      const startedAt = performance.now()
      const outside = await thrownBy(database.db.execute(insert))
      const inside = await thrownBy(database.db.transaction((tx) => tx.execute(insert)))
      const inUse = await thrownBy(database.use(({ db }) => db.execute(insert)))
      const refusingMs = performance.now() - startedAt
      for (const error of [outside, inside, inUse]) {
        expect(error).toBeInstanceOf(DrizzleQueryError)
        expect((error as Error).cause).toMatchObject({ severity: 'ERROR', code: '25006' })
        expect({ state: sqlState(error), own: findDatabaseError(error) }).toEqual({
          state: '25006',
          own: null,
        })
      }
      const reads = Array.from({ length: 20 }, () => firstRow(database.db.execute(count)))
      expect(await Promise.all(reads)).toEqual(Array.from({ length: 20 }, () => ({ n: 0 })))
      const { waiting, checkedOut, counters } = database.status()
      expect({ waiting, checkedOut, lost: counters.closes.lost }).toEqual({
        waiting: 0,
        checkedOut: 0,
        lost: 0,
      })
      // A refused write replaces connections, in case their server was demoted; not more often than once a second.
      expect(counters.closes.replaced).toBeGreaterThan(0)
      expect(counters.closes.replaced).toBeLessThanOrEqual(1 + Math.floor(refusingMs / 1_000))
      expect(
        await database.observe((connection) =>
          connection.run('select pg_is_in_recovery() as standby', [], false),
        ),
      ).toEqual([{ standby: true }])

      await world.admin.db.execute(sql`select pg_promote()`)
      await database.db.execute(insert)
      expect(await firstRow(database.db.execute(count))).toEqual({ n: 1 })
    },
    bound,
  )

  test(
    'because another one took over behind its address keeps its sessions: the first write that it refuses is done by the other one',
    async () => {
      await using old = await startServer({})
      await using taken = await startServer({}, new URL(old.appUrl).password)
      const target = { host: old.server.host, port: old.server.port }
      await using proxy = await startFaultProxy({ target })
      const database = createDatabase({ name: 'failover', url: proxy.url(old.appUrl) })
      await using _ = { [Symbol.asyncDispose]: () => database.close() }
      await Promise.all(Array.from({ length: 5 }, () => database.db.execute(insert)))

      await old.admin.db.execute(sql`alter system set default_transaction_read_only = on`)
      await old.admin.db.execute(sql`select pg_reload_conf()`)
      target.port = taken.server.port
      const failures = await Promise.all(
        Array.from({ length: 100 }, (_, i) => thrownBy(database.db.execute(i % 2 === 0 ? insert : count))),
      )
      expect(failures).toEqual(Array.from({ length: 100 }, () => null))
      await database.transaction((tx) => tx.execute(insert))
      const written = { old: 5, taken: 0 }
      await eventually(async () => {
        written.taken = (await firstRow<{ n: number }>(database.db.execute(count))).n
        written.old = (await firstRow<{ n: number }>(old.admin.db.execute(count))).n
        return written.old + written.taken === 5 + 50 + 1
      })
      expect(written.taken).toBeGreaterThan(0)
    },
    bound,
  )
})

describe('a server that is starting up (57P03)', () => {
  test(
    'is waited for: callers in the queue are served when it lets them in, and those with less time get its reason',
    async () => {
      await using world = await startServer({ ...replica, hot_standby: 'off' })
      const { server, appUrl } = world
      const database = createDatabase({
        name: 'starting',
        url: appUrl,
        pool: { poolSize: 2, maxOverflow: 0 },
      })
      await using _ = { [Symbol.asyncDispose]: () => database.close() }
      await makeStandby(server)
      const restarted = server.restart()
      try {
        const refused = await eventually(async () => {
          const error = await database.connect({ timeoutMs: 100 }).catch((thrown: unknown) => thrown)
          return error instanceof ConnectError && error.sqlState === '57P03' ? error : false
        })
        expect(refused).toMatchObject({ code: 'CONNECT_FAILED', retryable: true })
        expect(await observed(database)).toBe('57P03')
        const waiting = Array.from({ length: 10 }, () => firstRow(database.db.execute(sql`select 1 as n`)))
        const attempts = database.status().counters.connectFailures
        await eventually(() => database.status().counters.connectFailures > attempts)
        expect(database.status()).toMatchObject({ waiting: 10, checkedOut: 0 })
        promote(server)
        expect(await Promise.all(waiting)).toEqual(Array.from({ length: 10 }, () => ({ n: 1 })))
      } finally {
        promote(server)
        await restarted
      }
      expect(database.status()).toMatchObject({ checkedOut: 0, waiting: 0 })
    },
    bound,
  )
})
