import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventually, type FaultProxy, startFaultProxy, testPostgres } from '@shared/postgres/testing'
import { type SQL, sql } from 'drizzle-orm'
import { ConnectionLostError, findDatabaseError } from '../src/index.ts'
import { createFixture, type Fixture, firstRow } from './support.ts'

// Half a second instead of one, so that the tests need not wait long; what is tested does not depend on it.
const impatient = { stallAfterMs: 500 }
// A server that a busy machine keeps from answering for a second is not to be taken for one that is gone.
const patient = { stallAfterMs: 1_000 }
// What is sent is the statement, however long a busy machine has left the connection idle before it.
const unpinged = { prePingIdleMs: 60_000 }
const thrownBy = (work: PromiseLike<unknown>) =>
  Promise.resolve(work).then(
    () => null,
    (thrown: unknown) => findDatabaseError(thrown) ?? thrown,
  )

let proxy: FaultProxy

beforeAll(async () => {
  const { host, port } = await testPostgres()
  proxy = await startFaultProxy({ target: { host, port } })
})
afterAll(() => proxy[Symbol.asyncDispose]())

async function throughProxy(
  connection: Record<string, unknown> = impatient,
  pool: Record<string, unknown> = {},
  onEvent: (type: string) => void = () => {},
): Promise<Fixture> {
  await proxy.set('forward')
  const fixture = await createFixture()
  const database = fixture.open({
    name: fixture.database.name,
    url: proxy.url(fixture.test.appUrl),
    connection,
    pool,
    onEvent: ({ type }) => {
      fixture.events.push(type)
      onEvent(type)
    },
  })
  return { ...fixture, database, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() }
}

/** Gives what becomes of a statement that the server begins while it has a lock to wait for, and whose connection is silent before it is done. */
async function held<T>(
  fixture: Fixture,
  lock: SQL,
  run: () => Promise<T>,
  hasBegun: () => Promise<boolean>,
): Promise<T> {
  const unlock = Promise.withResolvers<void>()
  const isLocked = Promise.withResolvers<void>()
  const locking = fixture
    .open({ name: 'holder', url: fixture.test.migratorUrl })
    .db.transaction(async (tx) => {
      await tx.execute(lock)
      isLocked.resolve()
      await unlock.promise
    })
  await isLocked.promise
  const outcome = run()
  await eventually(hasBegun)
  await proxy.set('freezeOld')
  unlock.resolve()
  await locking
  return await outcome
}

describe('a statement that gets no answer', () => {
  test('fails as unknown when its connection has gone silent, runs once at the most, and the pool goes on', async () => {
    await using fixture = await throughProxy(impatient, unpinged)
    const { database } = fixture
    const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
    await owner.db.execute(sql`create table stalled_once (n int)`)
    await Promise.all(
      Array.from({ length: 10 }, () => database.use(({ db }) => db.execute(sql`select pg_sleep(0.02)`))),
    )
    await proxy.set('freezeOld')
    const insert = (i: number) =>
      thrownBy(database.db.execute(sql`insert into stalled_once values (${i}::int)`))
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => insert(i)))
    const failures = outcomes.filter((outcome) => outcome !== null)
    expect(failures.length).toBeGreaterThan(0)
    for (const failure of failures)
      expect(failure).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'unknown' })
    expect(fixture.events).toContain('statement-stalled')
    // What the frozen connections still hold is delivered now, as a rule to backends that are gone.
    await proxy.set('forward')
    const rows = sql`select count(*)::int as n, count(distinct n)::int as different from stalled_once`
    const { n, different } = await firstRow<{ n: number; different: number }>(database.db.execute(rows))
    expect(n).toBe(different)
    expect(n).toBeGreaterThanOrEqual(20 - failures.length)
  }, 180_000)

  test('is run on another connection when it only reads and the server had not received it', async () => {
    // Where no server can be reached it is not known what it had received.
    await using fixture = await throughProxy(patient, unpinged)
    const { database } = fixture
    await Promise.all(
      Array.from({ length: 10 }, () => database.use(({ db }) => db.execute(sql`select pg_sleep(0.02)`))),
    )
    // What is sent later than the backends' last work by less than a look takes may have been begun.
    const observer = fixture.open({ name: 'observer of the quiet', url: fixture.test.adminUrl })
    const quiet = sql`select bool_and(clock_timestamp() - state_change > interval '3 s') as quiet
      from pg_stat_activity where application_name = ${database.name}`
    await eventually(async () => (await firstRow<{ quiet: boolean }>(observer.db.execute(quiet))).quiet)
    await proxy.set('freezeOld')
    const read = (n: number) => firstRow(database.db.execute(sql`select ${n}::int as n`))
    const unknownToUs = thrownBy(database.db.execute(sql`select pg_sleep(0)`))
    const calls = Array.from({ length: 20 }, (_, n) => read(n))
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 20 }, (_, n) => ({ n })))
    expect(fixture.events).toContain('statement-stalled')
    // It reads too, but calls what is not known to do nothing else.
    expect(await unknownToUs).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'unknown' })
  }, 180_000)

  test('fails as unknown when the server did receive it and its answer was lost', async () => {
    await using fixture = await throughProxy()
    const { database } = fixture
    await database.connect()
    const answer = await held(
      fixture,
      sql`select pg_advisory_xact_lock(4713)`,
      () => thrownBy(database.db.execute(sql`select 'lost', pg_advisory_xact_lock(4713)`)),
      () => fixture.isRunning(`select 'lost'`),
    )
    expect(answer).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'unknown' })
    expect(await firstRow(database.db.execute(sql`select 1 as n`))).toEqual({ n: 1 })
  }, 180_000)

  test('is left alone while the server works on it, also for much longer', async () => {
    await using fixture = await throughProxy(patient, { slowCheckoutMs: 0 })
    const { database } = fixture
    expect(await firstRow(database.db.execute(sql`select 'done' as state, pg_sleep(5)`))).toMatchObject({
      state: 'done',
    })
    expect(fixture.events).toEqual([])
  }, 180_000)

  test('is left alone while it waits for a lock', async () => {
    await using fixture = await throughProxy(patient, { slowCheckoutMs: 0 })
    const { database } = fixture
    const waiting = await database.db.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(4711)`)
      const second = firstRow(database.db.execute(sql`select 'got it' as state, pg_advisory_xact_lock(4711)`))
      await eventually(async () => (await fixture.backends()).some(({ query }) => query.includes('got it')))
      await tx.execute(sql`select pg_sleep(3)`)
      return { second }
    })
    expect(await waiting.second).toMatchObject({ state: 'got it' })
    expect(fixture.events).toEqual([])
  }, 180_000)

  test('fails when no server can be reached any more', async () => {
    await using fixture = await throughProxy()
    const { database } = fixture
    await database.connect()
    const stuck = thrownBy(database.db.execute(sql`select pg_sleep(60)`))
    await eventually(() => fixture.isRunning('pg_sleep(60)'))
    await proxy.set('freezeAll')
    expect(await stuck).toBeInstanceOf(ConnectionLostError)
  }, 180_000)

  test('fails as rolled back in a transaction, whose locks are freed on the server, also where that can not be asked at first', async () => {
    const isStalled = (type: string) => {
      if (type === 'statement-stalled') proxy.muteNext(1)
    }
    await using fixture = await throughProxy({ ...impatient, definitionsCheckMs: 0 }, {}, isStalled)
    const { database } = fixture
    const other = fixture.open({ name: 'other' })
    const held = await thrownBy(
      database.db.transaction(async (tx) => {
        await tx.execute(sql`select pg_advisory_xact_lock(4712)`)
        await proxy.set('freezeOld')
        await tx.execute(sql`select 1`)
      }),
    )
    expect(held).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'rolled-back' })
    await eventually(async () => {
      const row = await firstRow(other.db.execute(sql`select pg_try_advisory_xact_lock(4712) as free`))
      return row.free === true
    })
  }, 180_000)

  test('a read whose answer was lost is run once more with retryReads, a write is not', async () => {
    await using fixture = await throughProxy({ ...impatient, retryReads: true })
    const { database } = fixture
    const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
    await owner.db.execute(sql`create table stalled_writes (n int)`)
    await database.connect()
    const lock = sql`lock table stalled_writes in access exclusive mode`
    const read = await held(
      fixture,
      lock,
      () => firstRow(database.db.execute(sql`select ${5}::int as n, count(*) from stalled_writes`)),
      () => fixture.isRunning('count(*) from stalled_writes'),
    )
    expect(read).toMatchObject({ n: 5 })
    const write = await held(
      fixture,
      lock,
      () => thrownBy(database.db.execute(sql`insert into stalled_writes values (${1}::int)`)),
      () => fixture.isRunning('insert into stalled_writes'),
    )
    expect(write).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'unknown' })
  }, 180_000)
})
