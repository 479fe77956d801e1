import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type ClusterServer, eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { Cache } from 'drizzle-orm/cache/core'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { ConfigurationError, type Database, findDatabaseError } from '../../src/index.ts'
import { startWorld, type World } from './world.ts'

const bound = 180_000
const writes = pgTable('writes', { id: integer().notNull(), caller: integer().notNull() })

/** Keeps answers until a table is written to, as a shared cache would. */
class KeepingCache extends Cache {
  readonly kept = new Map<string, unknown[]>()

  override strategy(): 'explicit' {
    return 'explicit'
  }

  override async get(key: string): Promise<unknown[] | undefined> {
    return this.kept.get(key)
  }

  override async put(key: string, answer: unknown): Promise<void> {
    this.kept.set(key, Array.from(answer as unknown[]))
  }

  override async onMutate(): Promise<void> {
    this.kept.clear()
  }
}

let world: World
beforeAll(async () => {
  world = await startWorld({ standbys: 1 })
}, bound)
afterAll(() => world[Symbol.asyncDispose]())

/** A database with one write that its standby has not replayed, and that has just emptied the cache. */
async function openBehind(): Promise<{ database: Database<Record<string, never>>; cache: KeepingCache }> {
  const { cluster } = world
  const [standby] = cluster.standbys as [ClusterServer]
  await cluster.resumeReplay(standby)
  await world.ask(cluster.primary, 'truncate writes; insert into writes values (1, 1)')
  await cluster.caughtUp(standby)
  const cache = new KeepingCache()
  const database = world.open({ replicas: { routeReads: true, maxLagMs: bound }, drizzle: { cache } })
  await database.connect()
  await eventually(async () =>
    database.hosts().every(({ role, lagMs }) => role === 'primary' || lagMs !== null),
  )
  await cluster.pauseReplay(standby)
  await database.db.insert(writes).values({ id: 2, caller: 2 })
  return { database, cache }
}

const before = [{ id: 1, caller: 1 }]
const after = [...before, { id: 2, caller: 2 }]

describe('What a cache keeps is read on the primary', () => {
  test('by reads, whose other reads run on a standby', async () => {
    const { database, cache } = await openBehind()
    const { db, reads } = database
    expect({
      read: await reads.select().from(writes),
      cached: await reads.select().from(writes).$withCache(),
      again: await reads.select().from(writes).$withCache(),
      counts: database.readCounts(),
      kept: [...cache.kept.values()],
      forAll: await db.select().from(writes).$withCache(),
      same: reads.$cache === db.$cache,
    }).toEqual({
      read: before,
      cached: after,
      again: after,
      counts: { standby: 1, primary: 1, behind: 0, failed: 0 },
      kept: [
        [
          [1, 1],
          [2, 2],
        ],
      ],
      forAll: after,
      same: true,
    })
  })

  test('by the handle whose reads are routed', async () => {
    const { database, cache } = await openBehind()
    const { db } = database
    const [read, cached] = await database.within({}, async () => [
      await db.select().from(writes),
      await db.select().from(writes).$withCache(),
    ])
    expect({ read, cached, kept: [...cache.kept.values()] }).toEqual({
      read: before,
      cached: after,
      kept: [
        [
          [1, 1],
          [2, 2],
        ],
      ],
    })
  })

  test('and a transaction of reads, which is on a standby, neither asks nor fills it', async () => {
    const { database, cache } = await openBehind()
    const read = await database.reads.transaction((tx) => tx.select().from(writes).$withCache())
    expect({ read, kept: cache.kept.size }).toEqual({ read: before, kept: 0 })
  })

  test('and reads still refuse to write', async () => {
    const { database } = await openBehind()
    const wanted = sql<number>`(select count(*) from (select from writes for update) as locked)`
    const error = await Promise.resolve(database.reads.select({ wanted }).from(writes).$withCache()).catch(
      (thrown: unknown) => thrown,
    )
    expect(findDatabaseError(error)).toBeInstanceOf(ConfigurationError)
  })
})
