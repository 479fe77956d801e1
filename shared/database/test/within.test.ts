import { describe, expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import {
  CheckoutTimeoutError,
  findDatabaseError,
  StatementTimeoutError,
  WorkAbortedError,
} from '../src/index.ts'
import { createFixture, type Fixture, firstRow, unansweredCancels } from './support.ts'

// A deadline of some milliseconds is the statement's alone: on a busy machine the connection would be pinged before it.
const one = { pool: { poolSize: 1, maxOverflow: 0, prePingIdleMs: 60_000 } }
const thrownBy = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => null,
    (thrown: unknown) => findDatabaseError(thrown) ?? thrown,
  )
const isIdle = async (fixture: Fixture) => (await fixture.backends()).every(({ state }) => state === 'idle')
const isActive = (fixture: Fixture) => fixture.isRunning('pg_sleep(60)')

describe('within', () => {
  test('lets work that is done in time be, and hands on its result and its errors', async () => {
    await using fixture = await createFixture(one)
    const { database } = fixture
    expect(
      await database.within({ timeoutMs: 5_000 }, () => firstRow(database.db.execute(sql`select 7 as n`))),
    ).toEqual({ n: 7 })
    const own = new Error('own')
    await expect(database.within({ timeoutMs: 5_000 }, () => Promise.reject(own))).rejects.toBe(own)
  })

  test('a statement over its time fails, is cancelled on the server, and its connection comes back clean', async () => {
    await using fixture = await createFixture(one)
    const { database } = fixture
    await database.connect()
    const [before] = await fixture.backends()
    const error = await thrownBy(
      // Returned as Drizzle's own promise, which starts when it is awaited.
      database.within({ timeoutMs: 60 }, () => database.db.execute(sql`select pg_sleep(60)`)),
    )
    expect(error).toBeInstanceOf(StatementTimeoutError)
    await eventually(() => isIdle(fixture))
    const { pid } = await firstRow<{ pid: number }>(database.db.execute(sql`select pg_backend_pid() as pid`))
    expect(pid === before?.pid).toBe(unansweredCancels(database) === 0)
    await eventually(() => database.status().checkedOut === 0)
  })

  test('a signal does the same, for whatever runs inside, across awaits', async () => {
    await using fixture = await createFixture(one)
    const { database } = fixture
    await database.connect()
    const controller = new AbortController()
    const reason = new Error('hung up')
    const work = thrownBy(
      database.within({ signal: controller.signal }, async () => {
        await database.db.execute(sql`select 1`)
        await Promise.resolve()
        await database.db.execute(sql`select pg_sleep(60)`)
      }),
    )
    await eventually(() => isActive(fixture))
    controller.abort(reason)
    expect(await work).toBeInstanceOf(WorkAbortedError)
    expect(await work).toMatchObject({ cause: reason })
    await eventually(() => isIdle(fixture))
  })

  test('a caller in the queue leaves it', async () => {
    await using fixture = await createFixture(one)
    const { database } = fixture
    await database.connect()
    const release = Promise.withResolvers<void>()
    const held = database.use(() => release.promise)
    await eventually(() => database.status().checkedOut === 1)
    const error = await thrownBy(
      database.within({ timeoutMs: 40 }, () => Promise.resolve(database.db.execute(sql`select 1`))),
    )
    expect(error).toBeInstanceOf(CheckoutTimeoutError)
    expect(database.status()).toMatchObject({ waiting: 0, checkedOut: 1 })
    release.resolve()
    await held
  })

  test('a transaction over its time is rolled back', async () => {
    await using fixture = await createFixture(one)
    const { database } = fixture
    const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
    await owner.db.execute(sql`create table within_rows (n int)`)
    await database.connect()
    const error = await thrownBy(
      database.within({ timeoutMs: 80 }, () =>
        database.db.transaction(async (tx) => {
          await tx.execute(sql`insert into within_rows values (1)`)
          await tx.execute(sql`select pg_sleep(60)`)
        }),
      ),
    )
    expect(error).toBeInstanceOf(StatementTimeoutError)
    expect(await firstRow(database.db.execute(sql`select count(*)::int as n from within_rows`))).toEqual({
      n: 0,
    })
    expect(database.status()).toMatchObject({
      total: 1,
      counters: { connects: 1 + unansweredCancels(database) },
    })
  })

  test('the narrower of two bounds holds', async () => {
    await using fixture = await createFixture(one)
    const { database } = fixture
    await database.connect()
    const sleep = () => Promise.resolve(database.db.execute(sql`select pg_sleep(60)`))
    const inner = await thrownBy(
      database.within({ timeoutMs: 60_000 }, () => database.within({ timeoutMs: 40 }, sleep)),
    )
    const outer = await thrownBy(
      database.within({ timeoutMs: 40 }, () => database.within({ timeoutMs: 60_000 }, sleep)),
    )
    expect([inner, outer]).toMatchObject([{ timeoutMs: 40 }, { timeoutMs: 40 }])
  })

  test('work after the deadline does not begin', async () => {
    await using fixture = await createFixture(one)
    const { database } = fixture
    await database.db.execute(sql`select 'before' as marker`)
    const error = await database.within({ signal: AbortSignal.abort() }, () =>
      thrownBy(database.db.execute(sql`select 1`)),
    )
    expect(error).toBeInstanceOf(WorkAbortedError)
    expect(await fixture.backends()).toMatchObject([{ query: "select 'before' as marker" }])
  })

  test('a cancel never hits another caller: neighbours on the same connection all get their answers', async () => {
    await using fixture = await createFixture({
      pool: { ...one.pool, sharedDepth: 40, slowStatementMs: 10_000 },
    })
    const { database } = fixture
    await database.connect()
    for (let round = 0; round < 15; round++) {
      const doomed = Array.from({ length: 3 }, (_, i) =>
        thrownBy(
          database.within({ timeoutMs: 1 + round * 2 + i }, () =>
            Promise.resolve(database.db.execute(sql`select pg_sleep(0.02)`)),
          ),
        ),
      )
      const neighbours = Array.from({ length: 10 }, (_, i) =>
        firstRow(database.db.execute(sql`select ${i}::int as i, pg_sleep(0.001)`)),
      )
      const answers = (await Promise.all(neighbours)) as { i: number }[]
      expect(answers.map(({ i }) => i)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      for (const error of await Promise.all(doomed)) {
        // Behind the others in the queue, or under way: over its time in any case.
        if (error !== null) expect(error).toMatchObject({ deadline: { owner: 'within' } })
      }
    }
    expect(database.status()).toMatchObject({
      total: 1,
      counters: { connects: 1 + unansweredCancels(database) },
    })
  }, 60_000)
})
