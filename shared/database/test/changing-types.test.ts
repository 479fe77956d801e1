import { describe, expect, test } from 'bun:test'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { createDatabase, migrate } from '../src/index.ts'
import { changeText, tableText, typeChanges } from './changing-types.ts'
import { folderOf } from './migrations-folder.ts'

interface Executor {
  execute(query: ReturnType<typeof sql>): Promise<unknown>
}

const ours = (index: number) => `ours_${index}`
const stocks = (index: number) => `stock_${index}`
const tables = typeChanges.flatMap((_, index) => [ours(index), stocks(index)])

const insert = (on: Executor, table: string, value: string | null, phase: number) =>
  on.execute(sql`insert into ${sql.identifier(table)} (v, phase) values (${value}, ${phase})`)

/** A database with the tables of every change, this layer and stock Drizzle on it, and callers that insert all the time. */
async function createWorld() {
  const test = await withDatabase()
  const owner = postgres(test.migratorUrl, { max: 1, onnotice: () => {} })
  const admin = postgres(test.adminUrl, { max: 1, onnotice: () => {} })
  for (const [index, change] of typeChanges.entries())
    for (const table of [ours(index), stocks(index)]) await owner.unsafe(tableText(change, table))
  const database = createDatabase({
    name: 'changing',
    url: test.appUrl,
    pool: { poolSize: 3, maxOverflow: 2 },
  })
  const client = postgres(test.appUrl, { max: 1, onnotice: () => {} })
  const stock = drizzle({ client })
  const failures: { phase: number; error: unknown }[] = []
  let phase = 0
  let isOver = false
  let done = 0

  async function call(caller: number) {
    for (let turn = caller; !isOver; turn++) {
      const index = turn % typeChanges.length
      const { always } = typeChanges[index] as (typeof typeChanges)[number]
      const now = phase
      const work =
        turn % 3 === 0
          ? database.db.transaction(async (tx) => {
              await insert(tx, ours(index), always, now)
              await insert(tx, ours(index), always, now)
            })
          : insert(database.db, ours(index), always, now)
      await Promise.resolve(work).then(
        () => done++,
        (error: unknown) => failures.push({ phase: now, error }),
      )
    }
  }

  for (const [index, { always }] of typeChanges.entries()) await insert(stock, stocks(index), always, 0)
  const callers = Array.from({ length: 8 }, (_, caller) => call(caller))

  return {
    test,
    database,
    failures,
    owner,
    /** Settles when the callers have done that much more. */
    async progress(calls = 300) {
      const until = done + calls
      await eventually(() => done >= until)
    },
    /** Settles when the layer has begun to look at the catalog so many times: those before the last are over. */
    async looks(count: number) {
      const begun = new Set<string>()
      await eventually(async () => {
        const rows = await admin<{ at: string }[]>`
          select query_start::text as at from pg_stat_activity
          where application_name = 'changing health' and datname = current_database() and query like '%pg_snapshot_xmin%'`
        for (const { at } of rows) begun.add(at)
        return begun.size >= count
      })
    },
    nextPhase() {
      phase++
    },
    /** Ends the callers, stores what only the new types take, and shows what each table holds, ours beside stock's. */
    async finish() {
      isOver = true
      await Promise.all(callers)
      for (const [index, { always, after }] of typeChanges.entries()) {
        await insert(stock, stocks(index), always, phase)
        await insert(stock, stocks(index), after, phase)
        for (let round = 0; round < 2; round++) {
          await insert(database.db, ours(index), after, phase)
          await database.db.transaction((tx) => insert(tx, ours(index), after, phase))
        }
      }
    },
    async stored(table: string, where: string) {
      const rows = await owner.unsafe(
        `select distinct era, v::text collate "C" as v from ${table} where ${where} order by era, v`,
      )
      return rows.map(({ era, v }) => `${era}: ${v}`)
    },
    async [Symbol.asyncDispose]() {
      isOver = true
      await Promise.all(callers)
      await Promise.all([database.close(), client.end(), owner.end(), admin.end()])
      await test.drop()
    },
  }
}

type World = Awaited<ReturnType<typeof createWorld>>

async function compare(world: World, where: string) {
  const shown: Record<string, string[]> = {}
  const expected: Record<string, string[]> = {}
  for (const [index, { name }] of typeChanges.entries()) {
    shown[name] = await world.stored(ours(index), where)
    expected[name] = await world.stored(stocks(index), where)
  }
  expect(shown).toEqual(expected)
}

const change = tables
  .map((table, position) => changeText(typeChanges[position >> 1] as (typeof typeChanges)[number], table))
  .join(';\n')

describe('a type that changes under load, in single statements and transactions', () => {
  test('by migrate(): nothing fails, and every value is stored as stock Drizzle stores it', async () => {
    await using world = await createWorld()
    await world.progress()
    await eventually(async () => {
      const listening = await world.owner`
        select from pg_stat_activity where application_name = 'changing health' and datname = current_database()`
      return listening.length > 0
    })
    await world.progress()
    using migrations = folderOf({ when: 1_000, text: change })
    await migrate({ url: world.test.migratorUrl, migrationsFolder: migrations.folder })
    await world.progress()
    await world.finish()
    expect(world.failures).toEqual([])
    await compare(world, 'true')
    const { 'plans-held': held, 'plans-released': released } = world.database.eventCounts()
    expect({ held, released }).toEqual({ held: 1, released: 1 })
  }, 240_000)

  test('by a foreign session: from the moment it is noticed nothing fails, and every value is stored so', async () => {
    await using world = await createWorld()
    await world.progress()
    // The first look may find the tables that were made before it, where a transaction elsewhere is older than they are.
    await world.looks(2)
    const { 'definitions-changed': before } = world.database.eventCounts()
    await world.owner.unsafe(change)
    await eventually(() => world.database.eventCounts()['definitions-changed'] > before)
    world.nextPhase()
    await world.progress()
    await world.finish()
    expect(world.failures.filter(({ phase }) => phase > 0)).toEqual([])
    await compare(world, 'phase = 1 and era = 1')
  }, 240_000)
})
