import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { createDatabase } from '../src/index.ts'
import { firstRow } from './support.ts'

setDefaultTimeout(60_000)

/** Two databases with this layer on each, connected before any type was made, and ways to make types. */
async function createWorld() {
  const made = await Promise.all([withDatabase(), withDatabase()])
  const sides = made.map(({ appUrl, migratorUrl, adminUrl }) => ({
    database: createDatabase({ name: 'types', url: appUrl, pool: { poolSize: 1, maxOverflow: 0 } }),
    owner: postgres(migratorUrl, { max: 1, onnotice: () => {} }),
    admin: postgres(adminUrl, { max: 1, onnotice: () => {} }),
    stock: postgres(appUrl, { max: 1, onnotice: () => {} }),
  }))
  for (const { database } of sides) await database.connect()
  return {
    sides,
    async [Symbol.asyncDispose]() {
      for (const { database, owner, admin, stock } of sides)
        await Promise.all([database.close(), owner.end(), admin.end(), stock.end()])
      for (const one of made) await one.drop()
    },
  }
}

type Side = Awaited<ReturnType<typeof createWorld>>['sides'][number]

const makeTypes = `
  create type mood as enum ('good', 'so so');
  create domain short as varchar(5);
  create type pair as (a int, b text);
  create table pairs (a int, b text)`

/** What arrays of the new types are read as, and whether they can be written. */
async function exchange(db: { execute(query: ReturnType<typeof sql>): PromiseLike<unknown> }) {
  const read = await firstRow(
    db.execute(sql`select '{good,"so so"}'::mood[] as mood, '{{a},{b}}'::short[] as short,
      array[(1, 'x')::pair] as pair, array[(1, 'x')::pairs] as row`),
  )
  const written = await firstRow(
    db.execute(sql`select ${sql.param(['good', 'so so'])}::mood[]::text as mood,
      ${sql.param(['a', 'b'])}::short[]::text as short, ${sql.param(['(1,x)'])}::pair[]::text as pair`),
  )
  return { read, written }
}

const exchanged = {
  read: { mood: ['good', 'so so'], short: [['a'], ['b']], pair: ['(1,x)'], row: ['(1,x)'] },
  written: { mood: '{good,"so so"}', short: '{a,b}', pair: '{"(1,x)"}' },
}

const isLearned = (side: Side) =>
  eventually(async () => {
    const row = await firstRow(side.database.db.execute(sql`select '{good}'::mood[] as mood`))
    expect(row).toEqual({ mood: ['good'] })
  })

describe('an array of a type that was made after the first connect', () => {
  test('is read and written by the next connection, as stock does it', async () => {
    await using world = await createWorld()
    const [side] = world.sides as [Side, Side]
    await side.owner.unsafe(makeTypes)
    side.database.invalidate()
    expect(await exchange(side.database.db)).toEqual(exchanged)
    expect(await exchange(drizzle({ client: side.stock }))).toEqual(exchanged)
  })

  test('is read and written by connections that were there before, a moment later', async () => {
    await using world = await createWorld()
    const [side, other] = world.sides as [Side, Side]
    await side.owner.unsafe(makeTypes)
    await isLearned(side)
    expect(await exchange(side.database.db)).toEqual(exchanged)
    // The other database has no such types, and others by the same names later.
    await other.owner.unsafe(
      `create type filler as enum ('x'); ${makeTypes.replace("'so so'", "'bad', 'so so'")}`,
    )
    await isLearned(other)
    expect(await exchange(other.database.db)).toEqual(exchanged)
  })

  test('is so again after the type was dropped and made anew', async () => {
    await using world = await createWorld()
    const [side] = world.sides as [Side, Side]
    await side.owner.unsafe(makeTypes)
    await isLearned(side)
    await side.owner.unsafe(`drop type mood; create type mood as enum ('good', 'so so')`)
    await isLearned(side)
    expect(await exchange(side.database.db)).toEqual(exchanged)
  })

  test('is so with an oid from 2³¹ on', async () => {
    await using world = await createWorld()
    const [side] = world.sides as [Side, Side]
    // As a server has it that has made two thousand million of them.
    await side.owner.unsafe(makeTypes)
    await side.admin.begin(async (tx) => {
      await tx.unsafe('set local allow_system_table_mods = on')
      await tx.unsafe(`
        update pg_enum set enumtypid = 3000000000 where enumtypid = 'public.mood'::regtype;
        update pg_type set typelem = 3000000000, oid = 3000000001 where typname = '_mood';
        update pg_type set typarray = 3000000001, oid = 3000000000 where typname = 'mood'`)
    })
    await isLearned(side)
    expect(await exchange(side.database.db)).toEqual(exchanged)
  })
})
