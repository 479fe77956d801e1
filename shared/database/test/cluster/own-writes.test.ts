import { describe, expect, test } from 'bun:test'
import { eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { firstRow } from '../support.ts'
import { startWorld, type World } from './world.ts'

const bound = 120_000

/** The layer over a standby that replays nothing, with a procedure that commits and goes on. */
async function startBehind() {
  const world = await startWorld({ standbys: 1 })
  const { cluster } = world
  const [standby] = cluster.standbys
  if (!standby) throw new Error('no standby')
  const migrator = world.open({ name: 'migrator', url: world.migratorUrl })
  await migrator.db.execute(sql`
    create procedure write_and_fail(id int) language plpgsql as $$
    begin insert into writes values (id, 1); commit; perform 1 / (id - id); end $$`)
  await migrator.db.execute(sql`grant execute on procedure write_and_fail to public`)
  await cluster.caughtUp(standby)
  await cluster.pauseReplay(standby)
  const database = world.open({ pool: { poolSize: 3, maxOverflow: 0 }, replicas: {} })
  await database.connect()
  await eventually(async () =>
    database.hosts().every(({ role, lagMs }) => role === 'primary' || lagMs !== null),
  )
  return { world, database }
}

const isThere = async (database: ReturnType<World['open']>, id: number) =>
  (
    await firstRow<{ n: number }>(
      database.reads.execute(sql`select count(*)::int as n from writes where id = ${id}`),
    )
  ).n === 1

describe('a context that has written', () => {
  test(
    'reads what it wrote also where the work around the write has failed',
    async () => {
      const { world, database } = await startBehind()
      await using _ = world
      const write = (id: number) => sql`insert into writes values (${id}, 1)`
      const works: Record<string, (id: number) => Promise<unknown>> = {
        'use() that throws': (id) =>
          database.use(async ({ db }) => {
            await db.execute(write(id))
            throw new Error('the business of the caller')
          }),
        'use() whose later statement fails': (id) =>
          database.use(async ({ db }) => {
            await db.execute(write(id))
            await db.execute(sql`select 1 / 0`)
          }),
        'use() that is given up under a later statement': (id) => {
          const over = new AbortController()
          return database.use(
            async ({ db }) => {
              await db.execute(write(id))
              const later = db.execute(sql`select pg_sleep(60)`).execute()
              over.abort()
              await later
            },
            { signal: over.signal },
          )
        },
        'use() that holds a transaction': (id) =>
          database.use(async ({ db }) => {
            await db.transaction((tx) => tx.execute(write(id)))
            throw new Error('the business of the caller')
          }),
        'a procedure that commits and fails': (id) =>
          database.db.execute(sql.raw(`call write_and_fail(${id})`)),
        'several statements of which one fails': (id) =>
          database.db.execute(sql.raw(`begin; insert into writes values (${id}, 1); commit; select 1 / 0`)),
      }
      const found: Record<string, unknown> = {}
      for (const [index, [name, work]] of Object.entries(works).entries()) {
        found[name] = await database.within({}, async () => {
          const outcome = await work(index).then(
            () => 'done',
            () => 'failed',
          )
          return [outcome, await isThere(database, index)]
        })
      }
      expect(found).toEqual(Object.fromEntries(Object.keys(works).map((name) => [name, ['failed', true]])))
    },
    bound,
  )
})
