import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { eventually, type FaultProxy, startFaultProxy, testPostgres } from '@shared/postgres/testing'
import { type SQL, sql } from 'drizzle-orm'
import { findDatabaseError } from '../src/index.ts'
import { createFixture, type Fixture, firstRow } from './support.ts'

const one = { poolSize: 1, maxOverflow: 0, prePingIdleMs: 60_000 }
/** The lock that the functions wait for when they have written. */
const gate = 7
let fixture: Fixture
let proxy: FaultProxy

beforeAll(async () => {
  const { host, port } = await testPostgres()
  proxy = await startFaultProxy({ target: { host, port } })
  fixture = await createFixture()
  const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
  await owner.db.execute(sql`create table effects (note text)`)
  for (const name of ['create_order', 'refund', 'settle'])
    await owner.db.execute(
      sql.raw(`create function ${name}(note text) returns text language plpgsql as
        $$ begin insert into effects values (note); perform pg_advisory_xact_lock(${gate}); return note; end $$`),
    )
  await owner.db.execute(sql`create function move_clock() returns void language plpgsql as
    $$ begin perform set_config('TimeZone', 'Asia/Tokyo', false); end $$`)
})
afterAll(async () => {
  await fixture[Symbol.asyncDispose]()
  await proxy[Symbol.asyncDispose]()
})

/** The layer through the proxy, with nothing on it to be counted but what callers ask. */
const proxied = ({ connection, ...options }: Parameters<Fixture['open']>[0] = {}) =>
  fixture.open({
    name: 'effects',
    url: proxy.url(fixture.test.appUrl),
    pool: one,
    connection: { definitionsCheckMs: 0, stallAfterMs: 0, ...connection },
    ...options,
  })

describe('a statement that calls a function of somebody, whose connection is cut', () => {
  const calls: [text: string, call: (note: string) => SQL][] = [
    ['select create_order($1)', (note) => sql`select create_order(${note})`],
    ['select * from refund($1)', (note) => sql`select * from refund(${note})`],
    ['with … settle($1)', (note) => sql`with x as (select settle(${note})) select * from x`],
    ['select "create_order"($1)', (note) => sql`select "create_order"(${note})`],
  ]
  test.each(calls)('is not run again, though it looks like a read and those are: %s', async (text, call) => {
    const { database: observer } = fixture
    const database = proxied({ connection: { retryReads: true } })
    const { answered, pid } = await observer.use(async ({ db }) => {
      await db.execute(sql`select pg_advisory_lock(${gate})`)
      const answer = Promise.resolve(database.db.execute(call(text))).catch(findDatabaseError)
      const pid = await eventually(async () => {
        const rows = (await db.execute(sql`select pid from pg_stat_activity
          where application_name = 'effects' and wait_event = 'advisory'`)) as unknown as { pid: number }[]
        const [waiting] = rows
        if (!waiting) throw new Error('it is not at the lock')
        return waiting.pid
      })
      proxy.cut()
      // Not awaited before the lock is free.
      return { answered: () => answer, pid }
    })
    expect(await answered()).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'unknown' })
    await database.close()
    // The server goes on with it, and has committed it when its session has ended.
    const session = sql`select count(*)::int as n from pg_stat_activity where pid = ${pid}`
    await eventually(async () => (await firstRow(observer.db.execute(session))).n === 0)
    const done = sql`select count(*)::int as n from effects where note = ${text}`
    expect(await firstRow(observer.db.execute(done))).toEqual({ n: 1 })
  })
})

describe('what ends with its transaction', () => {
  const tenant = sql`select current_setting('app.tenant', true) as tenant`
  const prepared = sql`select count(*)::int as n from pg_prepared_statements`

  /** Round trips of the second run, when all is prepared that will be. */
  async function roundTrips(work: () => Promise<unknown>): Promise<number> {
    await work()
    const before = proxy.roundTrips
    await work()
    return proxy.roundTrips - before
  }

  const settings: [name: string, set: (tenant: string) => SQL][] = [
    ['set_config(…, true)', (value) => sql`select set_config('app.tenant', ${value}, true)`],
    ['SET LOCAL', (value) => sql.raw(`set local app.tenant = '${value}'`)],
    ['LOCK', () => sql`lock table effects in share mode`],
    ['a constraint mode', () => sql`set constraints all deferred`],
  ]
  test.each(settings)(
    'costs a round trip like any statement, and nothing after it: %s',
    async (_name, set) => {
      const { db } = proxied()
      const trips = await roundTrips(() =>
        db.transaction(async (tx) => {
          await tx.execute(set('a'))
          await tx.execute(sql`select ${1}::int`)
          await tx.execute(sql`select ${2}::int + 1`)
        }),
      )
      expect(trips).toBe(4)
    },
  )

  test('leaves statements prepared: those after it run from their plans', async () => {
    const { db } = proxied()
    const work = () =>
      db.transaction(async (tx) => {
        await tx.execute(sql`select set_config('app.tenant', ${'a'}, true)`)
        for (let n = 0; n < 3; n++) await tx.execute(sql`select ${n}::int as n`)
        return firstRow(tx.execute(tenant))
      })
    expect([await work(), await work()]).toEqual([{ tenant: 'a' }, { tenant: 'a' }])
    expect(await firstRow(db.execute(prepared))).toEqual({ n: 2 })
    expect(await firstRow(db.execute(tenant))).toEqual({ tenant: '' })
  })

  test('a transaction inside a transaction costs its savepoint, and no plan', async () => {
    const { db } = proxied()
    const trips = await roundTrips(() =>
      db.transaction(async (tx) => {
        await tx.transaction((inner) => inner.execute(sql`select ${1}::int as n`))
        await tx.execute(sql`select ${2}::int as n`)
      }),
    )
    expect([trips, await firstRow(db.execute(prepared))]).toEqual([4, { n: 1 }])
  })

  test('does nothing outside of one, and harms nobody', async () => {
    const { db } = proxied()
    await db.execute(sql`set local app.tenant = 'x'`)
    await db.execute(sql`select set_config('app.tenant', ${'y'}, true)`)
    expect((await firstRow(db.execute(tenant))).tenant).toBeOneOf([null, ''])
    expect(proxied().status()).toMatchObject({ checkedOut: 0 })
  })

  test('a plan is not used where the setting may change what it means', async () => {
    const { db } = proxied()
    const day = (zone: string) =>
      db.transaction(async (tx) => {
        await tx.execute(sql.raw(`set local time zone '${zone}'`))
        const [row] = (await tx.execute(
          sql`select extract(epoch from timestamptz '2022-01-01 00:00')::int + ${0}::int as at`,
        )) as unknown as { at: number }[]
        return row?.at ?? 0
      })
    const east = await day('Etc/GMT-2')
    expect([await day('Etc/GMT+2'), await day('UTC')]).toEqual([east + 4 * 3600, east + 2 * 3600])
  })
})

describe('what a function sets inside, where the server says so', () => {
  const zone = sql`select current_setting('TimeZone') as zone`

  test('is gone after a statement of its own: the connection is replaced', async () => {
    const { db, status } = fixture.open({ pool: one })
    const before = await firstRow(db.execute(zone))
    await db.execute(sql`select move_clock()`)
    expect(await firstRow(db.execute(zone))).toEqual(before)
    expect(status().counters.closes).toMatchObject({ replaced: 1 })
  })

  test('is gone after a transaction: the session is reset, and serves on', async () => {
    const { db, status } = fixture.open({ pool: one })
    const before = await firstRow(db.execute(zone))
    await db.transaction((tx) => tx.execute(sql`select move_clock()`))
    expect(await firstRow(db.execute(zone))).toEqual(before)
    expect(status().counters).toMatchObject({ connects: 1 })
  })

  test('stays after use() where only a transaction is ended by choice', async () => {
    const { db, use } = fixture.open({ pool: { ...one, resetOnCheckin: 'rollback' } })
    await use((connection) => connection.db.execute(sql`select move_clock()`))
    expect(await firstRow(db.execute(zone))).toEqual({ zone: 'Asia/Tokyo' })
  })
})
