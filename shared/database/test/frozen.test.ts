import { describe, expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, startFaultProxy, testPostgres } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { type Database, findDatabaseError, WorkAbortedError } from '../src/index.ts'
import { createFixture, firstRow, observed } from './support.ts'

// A look-up of the layer's own is active for a moment too.
const isSleeping = ({ state, query }: { state: string; query: string }) =>
  state === 'active' && query.includes('pg_sleep(60)')
const thrownBy = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => null,
    (thrown: unknown) => findDatabaseError(thrown) ?? thrown,
  )

describe('a backend that is frozen under a statement', () => {
  test('costs that caller its deadline and no more: the others go on, and the pool is whole when it thaws', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 2, maxOverflow: 0, sharedDepth: 1 } })
    const { database } = fixture
    const deadline = new AbortController()
    const victim = thrownBy(
      database.within({ signal: deadline.signal }, () => database.db.execute(sql`select pg_sleep(60)`)),
    )
    const pid = await eventually(async () => {
      const active = (await fixture.backends()).find(isSleeping)
      return active?.pid ?? false
    })
    process.kill(Number(pid), 'SIGSTOP')
    try {
      deadline.abort()
      expect(await Promise.race([victim, sleep(30_000, 'still frozen')])).toBeInstanceOf(WorkAbortedError)
      for (let i = 0; i < 5; i++) {
        const row = await firstRow<{ pid: number }>(database.db.execute(sql`select pg_backend_pid() as pid`))
        expect(row.pid).not.toBe(Number(pid))
      }
    } finally {
      process.kill(Number(pid), 'SIGCONT')
    }
    await eventually(() => database.status().checkedOut === 0)
    await Promise.all([1, 2].map(() => database.use(({ db }) => db.execute(sql`select 1`))))
    expect(database.status()).toMatchObject({ checkedOut: 0, waiting: 0 })
  }, 60_000)
})

type Plain = Database<Record<string, never>>
const ways: Record<string, (database: Plain) => PromiseLike<unknown>> = {
  'a statement': ({ db }) => db.execute(sql`select pg_sleep(60)`),
  'use()': (database) => database.use(({ db }) => db.execute(sql`select pg_sleep(60)`)),
  'a transaction': ({ db }) => db.transaction((tx) => tx.execute(sql`select pg_sleep(60)`)),
}

describe('a backend that never thaws', () => {
  test.each(Object.entries(ways))(
    'under %s: the caller gets an error, and the connection is replaced',
    async (_way, run) => {
      await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0 } })
      const { database } = fixture
      const deadline = new AbortController()
      const victim = thrownBy(
        database.within({ signal: deadline.signal }, () => Promise.resolve(run(database))),
      )
      const pid = Number(
        await eventually(async () => {
          const active = (await fixture.backends()).find(isSleeping)
          return active?.pid ?? false
        }),
      )
      process.kill(pid, 'SIGSTOP')
      try {
        deadline.abort()
        expect(await Promise.race([victim, sleep(30_000, 'still held')])).toBeInstanceOf(WorkAbortedError)
        const next = firstRow<{ pid: number }>(database.db.execute(sql`select pg_backend_pid() as pid`))
        expect(await Promise.race([next, sleep(30_000, { pid })])).not.toEqual({ pid })
        expect(database.status()).toMatchObject({ total: 1, waiting: 0, counters: { closes: { lost: 1 } } })
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      await eventually(async () => (await fixture.backends()).every((backend) => backend.pid !== pid))
    },
    120_000,
  )
})

describe('a server that says nothing any more', () => {
  test('does not hold up close(), with statements and transactions under way', async () => {
    const { host, port } = await testPostgres()
    await using proxy = await startFaultProxy({ target: { host, port } })
    await using fixture = await createFixture()
    const database = fixture.open({ name: 'mute', url: proxy.url(fixture.test.appUrl) })
    await observed(database)
    const work = [
      thrownBy(database.db.execute(sql`select pg_sleep(60)`)),
      thrownBy(database.db.transaction((tx) => tx.execute(sql`select pg_sleep(60)`))),
      thrownBy(database.use(({ db }) => db.execute(sql`select pg_sleep(60)`))),
    ]
    await eventually(() => database.status().checkedOut === 3)
    await proxy.set('freezeAll')
    await database.close({ timeoutMs: 50 })
    for (const error of await Promise.all(work)) expect(error).toBeInstanceOf(Error)
    expect(database.status()).toMatchObject({ total: 0, checkedOut: 0, waiting: 0 })
    // The server does not know of it, and would let its statements sleep on into other tests.
    const observer = fixture.open({ name: 'observer of the mute', url: fixture.test.adminUrl })
    await observer.db.execute(
      sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'mute'`,
    )
  }, 60_000)
})
