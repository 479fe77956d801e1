import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startFaultProxy, type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { pgTable, serial, timestamp } from 'drizzle-orm/pg-core'
import { createDatabase } from '../src/index.ts'

const withoutZone = 'create table moments (id serial primary key, at timestamp(6) not null)'
const withZone = 'create table moments (id serial primary key, at timestamp(6) with time zone not null)'
const moments = pgTable('moments', {
  id: serial('id').primaryKey(),
  at: timestamp('at', { mode: 'string', withTimezone: true, precision: 6 }).notNull(),
})

let testDatabase: TestDatabase
beforeAll(async () => {
  testDatabase = await withDatabase()
})
afterAll(() => testDatabase.drop())

/** What a service may do to replace the table, each over the handle itself. */
const ways: Record<string, (database: ReturnType<typeof open>) => Promise<unknown>> = {
  'two statements': async ({ db }) => {
    await db.execute(sql.raw('drop table moments'))
    await db.execute(sql.raw(withZone))
  },
  'an ALTER': ({ db }) =>
    db.execute(sql.raw(`alter table moments alter at type timestamptz using at at time zone 'UTC'`)),
  'several statements in one text': ({ db }) => db.execute(sql.raw(`drop table moments; ${withZone}`)),
  'a DO block': ({ db }) => db.execute(sql.raw(`do $$ begin drop table moments; ${withZone}; end $$`)),
  'a transaction': ({ db }) =>
    db.transaction(async (tx) => {
      await tx.execute(sql.raw('drop table moments'))
      await tx.execute(sql.raw(withZone))
    }),
  'use()': (database) =>
    database.use(async ({ db }) => {
      await db.execute(sql.raw('drop table moments'))
      await db.execute(sql.raw(withZone))
    }),
}

function open(definitionsCheckMs: number, url = testDatabase.ownerUrl, poolSize = 2) {
  return createDatabase({
    name: 'own-definitions',
    url,
    pool: { poolSize, maxWaiting: 100_000 },
    // A look by the clock would hide that nothing else looks.
    connection: { definitionsCheckMs },
  })
}

const looks = { 'with the watch': 600_000, 'without it': 0 }

for (const [how, definitionsCheckMs] of Object.entries(looks)) {
  describe(`A value is stored as what its column is now, ${how}, after a change by`, () => {
    test.each(Object.keys(ways))('%s', async (way) => {
      const database = open(definitionsCheckMs)
      const { db } = database
      const insert = () => db.insert(moments).values({ at: '2022-01-01 00:00:00.123456-0200' })
      await db.execute(sql.raw(`drop table if exists moments; ${withoutZone}`))
      // Prepared on both connections, with a parameter of the type that the column has.
      await Promise.all([insert(), insert(), insert(), insert()])
      await ways[way]?.(database)
      await db.execute(sql`truncate ${moments}`)
      await Promise.all([insert(), insert()])
      const [row] = await db.execute(
        sql`select array_agg(at at time zone 'UTC')::text as stored from ${moments}`,
      )
      await database.close()
      expect(row).toEqual({ stored: '{"2022-01-01 02:00:00.123456","2022-01-01 02:00:00.123456"}' })
    })
  })
}

test('changes that never cease keep none of their callers waiting', async () => {
  const { hostname, port } = new URL(testDatabase.ownerUrl)
  await using proxy = await startFaultProxy({ target: { host: hostname, port: Number(port) } })
  // A look takes longer than it takes until the next change.
  await proxy.set({ delayMs: 5 })
  const database = open(600_000, proxy.url(testDatabase.ownerUrl), 8)
  const change = () => database.db.execute(sql`do $$ begin end $$`)
  await Promise.all(Array.from({ length: 100 }, change))
  const more: Promise<unknown>[] = []
  let isAnswered = false
  const first = change().then(() => {
    isAnswered = true
  })
  // Only a change that waits for the others never to come would be answered after all of them.
  while (!isAnswered && more.length < 15_000) {
    more.push(Promise.resolve(change()))
    await Bun.sleep(1)
  }
  expect(isAnswered).toBe(true)
  await Promise.all([first, ...more])
  await database.close()
})
