import { describe, expect, test } from 'bun:test'
import { sql } from 'drizzle-orm'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { npmVersion } from 'drizzle-orm/version'
import { createDatabase, type DatabaseEvent } from '../../src/index.ts'
import { createFixture } from '../support.ts'

const methods = pgTable('pg_am', { oid: integer() })
const sleep = sql`pg_sleep(0.06) is not null and 'canary' <> ${'canary-too'}`

/**
 * Events of slow queries, without their times and with the file alone of their place. On a busy machine a `select 1` is one, too:
 * only those that sleep are slow for a reason.
 */
const told = (events: readonly DatabaseEvent[]) =>
  events
    .filter(({ type, detail = '' }) => type === 'slow-query' && !detail.endsWith(': select ?'))
    .map(({ code, detail = '' }) => `${code} ${shortened(detail)}`)

const shortened = (detail: string) =>
  detail.replaceAll(/\d+ ms/g, '_ms').replace(/at [^,]*\/([\w.-]+):\d+:\d+\)?/, 'at $1')

describe('a slow query', () => {
  test('is an event with its times, its rows, its place in the program and its text without constants', async () => {
    await using fixture = await createFixture({ connection: { slowQueryMs: 50 } })
    const { database } = fixture
    await database.db.execute(sql`select 1`)
    await database.db.execute(sql`select 1 from generate_series(1, 3) where ${sleep} limit 1`)
    await database.db.execute(sql`select 1 / length(pg_sleep(0.06)::text)`).catch(() => {})
    await database.db.select({ n: sql`1` }).from(methods).where(sleep).limit(1)
    expect(told(database.events())).toEqual([
      'null ran _ms, waited _ms, 1 rows, at slow-queries.test.ts: select ? from generate_series(?, ?) where pg_sleep(?) is not null and ? <> $1 limit ?',
      '22012 ran _ms, waited _ms, at slow-queries.test.ts: select ? / length(pg_sleep(?)::text)',
      'null ran _ms, waited _ms, 1 rows, at slow-queries.test.ts: select ? from "pg_am" where pg_sleep(?) is not null and ? <> $1 limit $2',
    ])
  })

  test('has its place however it was built: in a transaction, in use(), relational, without Drizzle', async () => {
    await using fixture = await createFixture()
    const isBefore1 = npmVersion.startsWith('0.')
    const schema = { methods }
    await using database = Object.assign(
      createDatabase({
        name: fixture.database.name,
        url: fixture.test.appUrl,
        ...(isBefore1 && { schema }),
        connection: { slowQueryMs: 50 },
      }),
      { [Symbol.asyncDispose]: () => database.close() },
    )
    const slow = sql`select 1 where ${sleep}`
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`select 1`)
      await tx.execute(slow)
      await tx.transaction((inner) => inner.execute(slow))
    })
    await database.use(({ db }) => db.execute(slow))
    if (isBefore1) await database.db.query.methods.findFirst({ where: sleep })
    await database.db.$count(methods, sql`pg_sleep(0.01) is not null`)
    await database.db.$client.unsafe('select pg_sleep(0.06)').execute()
    const places = told(database.events()).map((event) => /at (\S+):/.exec(event)?.[1])
    expect(places).toEqual(Array(isBefore1 ? 6 : 5).fill('slow-queries.test.ts'))
  })

  test('is no event by default, nor is a fast one', async () => {
    await using fixture = await createFixture()
    await fixture.database.db.execute(sql`select pg_sleep(0.06)`)
    const other = fixture.open({ connection: { slowQueryMs: 60_000 } })
    await other.db.execute(sql`select pg_sleep(0.06)`)
    expect([told(fixture.database.events()), told(other.events())]).toEqual([[], []])
  })

  test('has its text whole up to 10 000 characters, of a longer one how many are left out', async () => {
    await using fixture = await createFixture({ connection: { slowQueryMs: 50 } })
    const columns = (count: number) => Array.from({ length: count }, (_, i) => `a as column${i}`).join(', ')
    const from = 'from (values ($1::int)) t(a) where pg_sleep(0.06) is not null'
    for (const count of [200, 900])
      await fixture.database.db.$client.unsafe(`select ${columns(count)} ${from}`, [1]).execute()
    const texts = told(fixture.database.events()).map((event) => event.slice(event.indexOf(': select') + 2))
    const masked = (count: number) => `select ${columns(count)} ${from.replace('0.06', '?')}`
    const long = masked(900)
    expect(texts).toEqual([
      masked(200),
      `${long.slice(0, 10_000)}… (${long.length - 10_000} more characters)`,
    ])
  })
})
