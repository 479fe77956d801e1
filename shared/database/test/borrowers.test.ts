import { describe, expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { ConfigurationError, findDatabaseError, LeaseEndedError } from '../src/index.ts'
import { createFixture, firstRow } from './support.ts'

const one = { pool: { poolSize: 1, maxOverflow: 0 } }

const sessionState = sql`select pg_backend_pid() as pid, current_setting('search_path') as path, current_setting('statement_timeout') as timeout,
  current_user as role, (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
  (select count(*)::int from pg_listening_channels()) as channels, (select count(*)::int from pg_class where relpersistence = 't') as temporary,
  (select count(*)::int from pg_prepared_statements where from_sql) as prepared,
  (select xact_start = query_start from pg_stat_activity where pid = pg_backend_pid()) as "noTransaction"`

const stains = [
  "set search_path to 'elsewhere'",
  'set statement_timeout = 1234',
  'select pg_advisory_lock(7)',
  'listen canary',
  'prepare "a ""quoted"" plan" as select 1',
  'begin',
]

describe('between borrowers nothing leaks', () => {
  test.each(stains)('%p inside use() is gone for the next one, on the same backend', async (stain) => {
    await using fixture = await createFixture(one)
    const { database } = fixture
    const before = await firstRow(database.db.execute(sessionState))
    const pid = await database.use(async (connection) => {
      await connection.db.execute(sql.raw(stain))
      expect(await firstRow(connection.db.execute(sessionState))).not.toEqual(before)
      return connection.pid
    })
    expect(await firstRow(database.db.execute(sessionState))).toEqual({ ...before, pid })
  })

  test.each([
    "set search_path to 'elsewhere'",
    "select set_config('search_path', 'elsewhere', false)",
    `select "set_config"('search_path', 'elsewhere', false)`,
    "select set_config/*c*/('search_path', 'elsewhere', false)",
    "update pg_settings set setting = 'elsewhere' where name = 'search_path'",
    'prepare plan as select 1',
    'select pg_advisory_lock(7)',
    'listen canary',
  ])('%p through db is gone for the next one', async (stain) => {
    await using fixture = await createFixture(one)
    const { db } = fixture.database
    const before = await firstRow(db.execute(sessionState))
    await db.execute(sql.raw(stain))
    expect(await firstRow(db.execute(sessionState))).toEqual(before)
  })

  test('a SET inside a transaction is gone after its commit', async () => {
    await using fixture = await createFixture(one)
    const { db } = fixture.database
    const before = await firstRow(db.execute(sessionState))
    await db.transaction((tx) => tx.execute(sql`set search_path to 'elsewhere'`))
    expect(await firstRow(db.execute(sessionState))).toEqual(before)
  })

  test('a temporary table that is not called so is gone', async () => {
    await using fixture = await createFixture(one)
    const { db } = fixture.open({ name: 'owner', url: fixture.test.adminUrl, ...one })
    const before = await firstRow(db.execute(sessionState))
    await db.execute(sql`create table pg_temp.scratch (a int)`)
    expect(await firstRow(db.execute(sessionState))).toEqual(before)
  })

  test('a temporary table and a role are gone', async () => {
    await using fixture = await createFixture(one)
    const database = fixture.open({ name: 'owner', url: fixture.test.adminUrl, ...one })
    const before = await firstRow(database.db.execute(sessionState))
    await database.use(async ({ db }) => {
      await db.execute(sql`create temporary table scratch (a int)`)
      await db.execute(sql.raw(`set role ${new URL(fixture.test.appUrl).username}`))
    })
    expect(await firstRow(database.db.execute(sessionState))).toEqual(before)
  })

  test('prepared statements outlive the reset: the driver and the server agree on them', async () => {
    await using fixture = await createFixture(one)
    const { database } = fixture
    const select = () => firstRow(database.db.execute(sql`select ${'x'}::text as x`))
    await select()
    await database.use(({ db }) => db.execute(sql`select 1`))
    expect(await select()).toEqual({ x: 'x' })
    expect(database.status()).toMatchObject({ total: 1, counters: { connects: 1 } })
  })

  test.each(['deallocate all', 'discard all'])(
    '%p takes the connection with it, whose plans are gone: the next transaction does not miss them',
    async (text) => {
      await using fixture = await createFixture(one)
      const { database } = fixture
      const work = () =>
        database.db.transaction(async (tx) => {
          await tx.execute(sql`select ${1}::int as first`)
          return firstRow(tx.execute(sql`select ${2}::int as second`))
        })
      await work()
      await database.db.execute(sql.raw(text))
      expect(await work()).toEqual({ second: 2 })
      expect(database.status().counters).toMatchObject({ connects: 2, closes: { replaced: 1 } })
    },
  )

  test('a handle kept from use() or from a transaction rejects afterwards', async () => {
    await using fixture = await createFixture(one)
    const { database } = fixture
    let kept: typeof database.db | undefined
    await database.use(async ({ db }) => {
      kept = db
    })
    const late = await Promise.resolve(kept?.execute(sql`select 1`)).catch((thrown: unknown) => thrown)
    expect(findDatabaseError(late)).toBeInstanceOf(LeaseEndedError)
    let keptTx: { execute: typeof database.db.execute } | undefined
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`select 1`)
      keptTx = tx as never
    })
    const lateTx = await Promise.resolve(keptTx?.execute(sql`select 1`)).catch((thrown: unknown) => thrown)
    expect(findDatabaseError(lateTx)).toBeInstanceOf(LeaseEndedError)
  })

  test('a statement that nobody awaited costs its connection, not the next borrower', async () => {
    await using fixture = await createFixture(one)
    const { database } = fixture
    let forgotten: Promise<unknown> = Promise.resolve()
    const pid = await database.use(async (connection) => {
      forgotten = Promise.resolve(connection.db.execute(sql`select pg_sleep(60)`)).catch(
        (thrown: unknown) => thrown,
      )
      await eventually(() => fixture.isRunning('pg_sleep(60)'))
      return connection.pid
    })
    const next = await firstRow<{ pid: number }>(database.db.execute(sql`select pg_backend_pid() as pid`))
    expect(next.pid).not.toBe(pid)
    expect(await forgotten).toBeInstanceOf(Error)
    expect(database.status().counters.closes).toMatchObject({ 'busy-at-checkin': 1 })
    await eventually(async () => (await fixture.backends()).every((backend) => backend.pid !== pid))
  })
})

describe('texts that make no sense on a pooled connection', () => {
  test.each(['begin', 'commit', 'rollback', 'copy t from stdin'])(
    '%p through db is refused and says what to do',
    async (text) => {
      await using fixture = await createFixture(one)
      const error = await Promise.resolve(fixture.database.db.execute(sql.raw(text))).catch(
        (thrown: unknown) => thrown,
      )
      expect(findDatabaseError(error)).toBeInstanceOf(ConfigurationError)
      expect(fixture.database.status()).toMatchObject({ checkedOut: 0 })
    },
  )
})
