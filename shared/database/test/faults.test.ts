import { describe, expect, test } from 'bun:test'
import { eventually, startTestServer } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { ConnectError, ConnectionLostError, createDatabase, findDatabaseError } from '../src/index.ts'
import { createFixture, firstRow, observed } from './support.ts'

const thrownBy = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => null,
    (thrown: unknown) => thrown,
  )
const pidOf = (db: { execute: (query: never) => PromiseLike<unknown> }) =>
  firstRow<{ pid: number }>(db.execute(sql`select pg_backend_pid() as pid` as never)).then(({ pid }) => pid)

describe('a backend that is killed', () => {
  test('while idle: the next statement works, on a new one', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0 } })
    const { db } = fixture.database
    const before = await pidOf(db)
    await fixture.terminate()
    await eventually(() => fixture.database.status().total === 0)
    expect(await pidOf(db)).not.toBe(before)
  })

  test('all of them while idle: the very next statements work, and the dead are gone from the status', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 5 } })
    const { database } = fixture
    const release = Promise.withResolvers<void>()
    const held = Array.from({ length: 5 }, () => database.use(() => release.promise))
    await eventually(() => database.status().checkedOut === 5)
    release.resolve()
    await Promise.all(held)
    expect(await fixture.backends()).toHaveLength(5)
    await fixture.terminate()
    await eventually(() => database.status().total === 0)
    await Promise.all(Array.from({ length: 20 }, () => database.db.execute(sql`select 1`)))
    await eventually(async () => (await fixture.backends()).length === database.status().total)
  })

  test('under a statement: that one fails as rolled back, and the next is not poisoned by it', async () => {
    await using fixture = await createFixture()
    const { db } = fixture.database
    const victim = thrownBy(db.execute(sql`select pg_sleep(60)`))
    await eventually(() => fixture.isRunning('pg_sleep(60)'))
    await fixture.terminate()
    const error = findDatabaseError(await victim)
    expect(error).toBeInstanceOf(ConnectionLostError)
    expect(error).toMatchObject({ outcome: 'rolled-back' })
    for (let i = 0; i < 5; i++) expect(await firstRow(db.execute(sql`select ${i}::int as i`))).toEqual({ i })
    expect(fixture.events).toContain('connection-lost')
  })

  test('with statements waiting behind it: those that were not sent run on another', async () => {
    await using fixture = await createFixture({ pool: { poolSize: 1, maxOverflow: 0, sharedDepth: 1 } })
    const { db } = fixture.database
    const victim = thrownBy(db.execute(sql`select pg_sleep(60)`))
    await eventually(() => fixture.isRunning('pg_sleep(60)'))
    const behind = Array.from({ length: 10 }, (_, i) => firstRow(db.execute(sql`select ${i}::int as i`)))
    await fixture.terminate()
    expect(findDatabaseError(await victim)).toMatchObject({ outcome: 'rolled-back' })
    expect(await Promise.all(behind)).toEqual(Array.from({ length: 10 }, (_, i) => ({ i })))
  })

  test('inside a transaction: the transaction fails as rolled back, nothing of it is there, the pool goes on', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    const table = `killed_${Date.now()}`
    const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
    await owner.db.execute(sql.raw(`create table ${table} (a int)`))
    const error = findDatabaseError(
      await thrownBy(
        database.db.transaction(async (tx) => {
          await tx.execute(sql.raw(`insert into ${table} values (1)`))
          await fixture.terminate(await pidOf(tx as never))
          await tx.execute(sql.raw(`insert into ${table} values (2)`))
        }),
      ),
    )
    expect(error).toBeInstanceOf(ConnectionLostError)
    expect(error).toMatchObject({ outcome: 'rolled-back' })
    expect(await firstRow(database.db.execute(sql.raw(`select count(*)::int as n from ${table}`)))).toEqual({
      n: 0,
    })
  })

  test('while the callback of a transaction does something else: its own error arrives, no ROLLBACK is sent', async () => {
    await using fixture = await createFixture()
    const { database } = fixture
    const own = new Error('changed my mind')
    const error = await thrownBy(
      database.db.transaction(async (tx) => {
        await fixture.terminate(await pidOf(tx as never))
        throw own
      }),
    )
    expect(error).toBe(own)
    expect(await firstRow(database.db.execute(sql`select 1 as n`))).toEqual({ n: 1 })
  })

  test('between the statements of use(): the next one fails instead of running on a fresh session', async () => {
    await using fixture = await createFixture()
    const error = findDatabaseError(
      await thrownBy(
        fixture.database.use(async ({ db, pid }) => {
          await fixture.terminate(pid)
          await db.execute(sql`select 1`)
        }),
      ),
    )
    expect(error).toBeInstanceOf(ConnectionLostError)
  })

  test('by idle_in_transaction_session_timeout: the transaction fails as rolled back', async () => {
    await using fixture = await createFixture()
    const error = await thrownBy(
      fixture.database.db.transaction(async (tx) => {
        await tx.execute(sql`set local idle_in_transaction_session_timeout = 20`)
        const pid = await pidOf(tx as never)
        await eventually(async () => (await fixture.backends()).every((backend) => backend.pid !== pid))
        await tx.execute(sql`select 1`)
      }),
    )
    expect(findDatabaseError(error)).toMatchObject({ outcome: 'rolled-back' })
  })

  test('again and again under load: only statements in flight fail, and each promise settles', async () => {
    const sharedDepth = 3
    await using fixture = await createFixture({ pool: { poolSize: 4, maxOverflow: 2, sharedDepth } })
    const { database } = fixture
    let stop = false
    const outcomes = { ok: 0, lost: 0, other: [] as unknown[] }
    const callers = Array.from({ length: 20 }, async (_, caller) => {
      for (let i = 0; !stop; i++) {
        const transactional = (caller + i) % 3 === 0
        const work = transactional
          ? database.db.transaction((tx) => tx.execute(sql`select ${i}::int as i`))
          : database.db.execute(sql`select ${i}::int as i`)
        const error = await thrownBy(work)
        if (error === null) outcomes.ok++
        else if (findDatabaseError(error) instanceof ConnectionLostError) outcomes.lost++
        else outcomes.other.push(error)
      }
    })
    for (let round = 0; round < 10; round++) {
      const { ok } = outcomes
      await fixture.terminate()
      await eventually(() => outcomes.ok > ok + 50)
    }
    stop = true
    await Promise.all(callers)
    expect(outcomes.other).toEqual([])
    // So many are in flight on one connection at the most, and each of them was killed once.
    const { closes } = database.status().counters
    expect(closes.lost).toBeGreaterThanOrEqual(10)
    expect(outcomes.lost).toBeLessThanOrEqual(closes.lost * sharedDepth)
    // What was opened or pinged for the last callers may still be under way.
    await eventually(() =>
      expect(database.status()).toMatchObject({ connecting: 0, checkedOut: 0, waiting: 0 }),
    )
  }, 240_000)
})

describe('a server', () => {
  test('that is stopped and started: the pool answers again without help, and meanwhile says ConnectError', async () => {
    await using server = await startTestServer()
    const { appUrl } = await server.database()
    const database = createDatabase({ name: 'restarted', url: appUrl })
    await database.connect()
    expect(await observed(database)).toBe('answers')
    await server.stop()
    await eventually(() => database.status().total === 0)
    const down = findDatabaseError(await thrownBy(database.use(async () => {}, { timeoutMs: 300 })))
    expect(down).toBeInstanceOf(ConnectError)
    await eventually(async () => (await observed(database)) === 'ECONNREFUSED')
    await server.restart()
    expect(await firstRow(database.db.execute(sql`select 1 as n`))).toEqual({ n: 1 })
    await eventually(async () => (await observed(database)) === 'answers')
    await database.close()
  }, 240_000)

  test('whose backend is frozen: the ping gives up on it and the caller gets another connection', async () => {
    await using fixture = await createFixture({
      // How long all of it takes is not looked at, nor what others look at meanwhile.
      pool: { poolSize: 1, maxOverflow: 0, prePingIdleMs: 0, prePingTimeoutMs: 100, slowCheckoutMs: 0 },
      connection: { definitionsCheckMs: 0, stallAfterMs: 0 },
    })
    const { db } = fixture.database
    const pid = await pidOf(db)
    process.kill(pid, 'SIGSTOP')
    try {
      expect(await pidOf(db)).not.toBe(pid)
      expect(fixture.events).toEqual(['ping-failed', 'invalidated'])
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  })

  test('that lets in no more: 53300 is waited out within the deadline', async () => {
    await using fixture = await createFixture()
    await using server = await startTestServer()
    const { appUrl } = await server.database('limited', { connectionLimit: 1 })
    const first = createDatabase({ name: 'first', url: appUrl })
    const second = createDatabase({ name: 'second', url: appUrl })
    await first.connect()
    const refused = await thrownBy(second.connect({ timeoutMs: 3_000 }))
    expect(refused).toMatchObject({ code: 'CONNECT_FAILED', sqlState: '53300' })
    const waiting = second.connect({ timeoutMs: 60_000 })
    await first.close()
    await waiting
    await second.close()
    expect(fixture.database.status().total).toBe(0)
  }, 240_000)
})
