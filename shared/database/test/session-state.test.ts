import { describe, expect, test } from 'bun:test'
import { startFaultProxy, testPostgres } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createFixture, firstRow } from './support.ts'

const one = { poolSize: 1, maxOverflow: 0 }

describe('a setting that ends with the transaction', () => {
  test('costs no more than a plain statement: no reset behind it, and plans are kept', async () => {
    const { host, port } = await testPostgres()
    await using proxy = await startFaultProxy({ target: { host, port } })
    await using fixture = await createFixture()
    const { db } = fixture.open({
      name: 'tenant',
      url: proxy.url(fixture.test.appUrl),
      // A busy machine is no reason to ask anything more.
      pool: { ...one, prePingIdleMs: 60_000 },
      connection: { definitionsCheckMs: 0, stallAfterMs: 0 },
    })
    const read = sql`select current_setting('app.tenant', true) as tenant, ${1}::int as n`
    const forTenant = () =>
      db.transaction(async (tx) => {
        await tx.execute(sql`select set_config('app.tenant', ${'7'}, true)`)
        await tx.execute(sql`set local app.more = 'x'`)
        return firstRow(tx.execute(read))
      })
    await forTenant()
    const before = proxy.roundTrips
    expect(await forTenant()).toEqual({ tenant: '7', n: 1 })
    // BEGIN travels with the first statement: two settings, the read, COMMIT.
    expect(proxy.roundTrips - before).toBe(4)
    const kept = sql`select count(*)::int as n from pg_prepared_statements`
    expect(await firstRow(db.execute(kept))).toEqual({ n: 2 })
    expect(await firstRow(db.execute(read))).toEqual({ tenant: '', n: 1 })
  })
})

describe('what a session keeps', () => {
  test.each([
    [
      'a statement prepared in SQL',
      sql`prepare mine as select 1`,
      sql`select name from pg_prepared_statements where from_sql`,
    ],
    [
      'a setting by a quoted name',
      sql`select "set_config"('app.kept', 'x', false)`,
      sql`select 1 where current_setting('app.kept', true) = 'x'`,
    ],
    [
      'a setting behind a comment',
      sql`select set_config/* c */('app.kept', 'x', false)`,
      sql`select 1 where current_setting('app.kept', true) = 'x'`,
    ],
    [
      'a setting by the view of all',
      sql`update pg_settings set setting = '2' where name = 'extra_float_digits'`,
      sql`select 1 where current_setting('extra_float_digits') = '2'`,
    ],
    [
      'a table by its schema',
      sql`create table pg_temp.kept (a int)`,
      sql`select 1 where to_regclass('pg_temp.kept') is not null`,
    ],
  ])('%s is gone for the next caller, after use() and after a statement', async (_, leave, find) => {
    await using fixture = await createFixture()
    // Temporary tables are not the runtime role's to make.
    const database = fixture.open({ url: fixture.test.adminUrl, pool: one })
    const { db } = database
    await database.use((connection) => connection.db.execute(leave))
    const afterUse = await db.execute(find)
    await db.execute(leave)
    const afterStatement = await db.execute(find)
    await db.transaction((tx) => tx.execute(leave)).catch(() => {})
    const afterTransaction = await db.execute(find)
    expect([[...afterUse], [...afterStatement], [...afterTransaction]]).toEqual([[], [], []])
  })

  test('is reset without what the driver has prepared', async () => {
    await using fixture = await createFixture({ pool: one })
    const { db } = fixture.database
    const read = () => firstRow(db.execute(sql`select ${1}::int as n`))
    await read()
    await fixture.database.use(({ db }) => db.execute(sql`prepare mine as select 1`))
    expect(await read()).toEqual({ n: 1 })
    const names = sql`select count(*)::int as n from pg_prepared_statements`
    expect(await firstRow(db.execute(names))).toEqual({ n: 1 })
  })
})
