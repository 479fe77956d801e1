import { describe, expect, test } from 'bun:test'
import { sql } from 'drizzle-orm'
import { createFixture, firstRow } from './support.ts'

const one = { poolSize: 1, maxOverflow: 0 }
const prepared = sql`select count(*)::int as n from pg_prepared_statements`

describe('prepared statements', () => {
  test('a text is prepared once per connection and used again', async () => {
    await using fixture = await createFixture({ pool: one })
    const { db } = fixture.database
    for (let i = 0; i < 10; i++) await db.execute(sql`select ${i}::int as i`)
    expect(await firstRow(db.execute(prepared))).toEqual({ n: 1 })
  })

  test('dynamic texts can not fill the server: beyond the bound they run unprepared, and the connection is replaced in time', async () => {
    await using fixture = await createFixture({ pool: one, connection: { maxPreparedStatements: 5 } })
    const { database } = fixture
    let most = 0
    for (let i = 0; i < 30; i++) {
      expect(await firstRow(database.db.execute(sql`select ${i}::int + ${sql.raw(String(i))} as i`))).toEqual(
        { i: 2 * i },
      )
      most = Math.max(most, (await firstRow<{ n: number }>(database.db.execute(prepared))).n)
    }
    expect(most).toBe(5)
    expect(database.status().counters.closes.replaced).toBeGreaterThan(0)
  })

  test('prepare false leaves nothing on the server', async () => {
    await using fixture = await createFixture({ pool: one, connection: { prepare: false } })
    const { db } = fixture.database
    for (let i = 0; i < 3; i++) await db.execute(sql`select ${i}::int as i`)
    expect(await firstRow(db.execute(prepared))).toEqual({ n: 0 })
  })

  test('a table that changes under a prepared statement changes its result, without an error', async () => {
    await using fixture = await createFixture({ pool: one })
    const owner = fixture.open({ name: 'owner', url: fixture.test.migratorUrl })
    await owner.db.execute(sql`create table shape (a int); insert into shape values (1)`)
    const select = () => firstRow(fixture.database.db.execute(sql`select * from shape where a = ${1}`))
    expect(await select()).toEqual({ a: 1 })
    await owner.db.execute(sql`alter table shape add column b text default 'new'`)
    expect(await select()).toEqual({ a: 1, b: 'new' })
  })
})

describe('a parameter that can not be written', () => {
  test('fails alone: statements under way on the same connection get their own answers', async () => {
    await using fixture = await createFixture({ pool: { ...one, sharedDepth: 50 } })
    const { db } = fixture.database
    const good = (i: number) => firstRow(db.execute(sql`select ${String(i)}::text as i`))
    const bad = (value: unknown) =>
      Promise.resolve(db.execute(sql`select ${value}::timestamptz as t`)).then(
        () => 'answered',
        () => 'rejected',
      )
    await good(0)
    await bad('2020-01-01')
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, i) => (i % 4 === 3 ? bad(i % 8 === 3 ? undefined : 5) : good(i))),
    )
    expect(all).toEqual(Array.from({ length: 40 }, (_, i) => (i % 4 === 3 ? 'rejected' : { i: String(i) })))
    expect(await good(99)).toEqual({ i: '99' })
    expect(fixture.database.status()).toMatchObject({ total: 1, idle: 1, counters: { connects: 1 } })
  })

  test('can be followed at once by another one, and by a good one', async () => {
    await using fixture = await createFixture({ pool: one })
    const { db } = fixture.database
    const run = (value: unknown) =>
      Promise.resolve(db.execute(sql`select ${value}::timestamptz::date::text as day`)).then(
        () => 'answered',
        () => 'rejected',
      )
    const outcomes: string[] = []
    for (const value of ['2020-01-01', 5, 5, 5, '2020-01-02', true, true, '2020-01-03'])
      outcomes.push(await run(value))
    expect(outcomes).toEqual([
      'answered',
      'rejected',
      'rejected',
      'rejected',
      'answered',
      'rejected',
      'rejected',
      'answered',
    ])
  })

  test('fails alone inside a transaction with concurrent statements too', async () => {
    await using fixture = await createFixture({ pool: one })
    const { db } = fixture.database
    const answers = await db
      .transaction(async (tx) => {
        const good = (i: number) => firstRow(tx.execute(sql`select ${i}::int as i`))
        await good(0)
        const bad = Promise.resolve(tx.execute(sql`select ${new Date(0)}::int as t`)).catch(() => 'rejected')
        return Promise.all([good(1), bad, good(2)])
      })
      .catch((thrown: unknown) => thrown)
    expect(answers).toBeInstanceOf(Error)
    expect(await firstRow(db.execute(sql`select 5 as n`))).toEqual({ n: 5 })
  })
})

describe('a statement that fails after it has sent rows', () => {
  test.each([true, false])('leaves none of them to the next one, prepared %p', async (prepare) => {
    await using fixture = await createFixture({ pool: one, connection: { prepare } })
    const { db } = fixture.database
    const failing = sql`select 1 / (${3}::int - x) as v from generate_series(1, 3) x`
    const next = sql`select x from generate_series(1, ${2}::int) x`
    await expect(Promise.resolve(db.execute(failing))).rejects.toThrow()
    expect([...(await db.execute(next))]).toEqual([{ x: 1 }, { x: 2 }])
    const inOne = await fixture.database.use(async ({ db }) => {
      await Promise.resolve(db.execute(failing)).catch(() => {})
      return db.execute(sql.raw('select 1 as a; select 2 as b')) as unknown as Promise<unknown[][]>
    })
    expect(inOne.map((rows) => [...rows])).toEqual([[{ a: 1 }], [{ b: 2 }]] as never)
  })
})
