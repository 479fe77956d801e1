import { afterAll, describe, expect, test } from 'bun:test'
import { type ClusterServer, eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { integer, pgTable, withReplicas } from 'drizzle-orm/pg-core'
import { type Database, findDatabaseError, sqlState } from '../../src/index.ts'
import { firstRow } from '../support.ts'
import { startWorld, type World } from './world.ts'

// Ten thousand writes and four times as many reads take a busy machine some minutes.
const bound = 600_000
const pool = { poolSize: 5, maxOverflow: 0 }
const writes = pgTable('writes', { id: integer().notNull(), caller: integer().notNull() })
type Plain = Record<string, never>

const portText = sql`select inet_server_port() as port`
const portOf = async (read: PromiseLike<unknown>) => (await firstRow<{ port: number }>(read)).port

/** Opens the layer with replicas, and waits until it knows its hosts. */
async function openKnowing(
  world: World,
  options: Parameters<World['open']>[0] = {},
): Promise<Database<Plain>> {
  const database = world.open({ pool, replicas: {}, ...options })
  await database.connect()
  await eventually(async () =>
    database.hosts().every(({ role, lagMs }) => role === 'primary' || lagMs !== null),
  )
  return database
}

/** One cluster for those that change nothing but rows; each begins without any. */
let shared: Promise<World> | null = null
async function sharedWorld(): Promise<World> {
  shared ??= startWorld({ standbys: 1 })
  const world = await shared
  const { cluster } = world
  await world.ask(cluster.primary, 'truncate writes')
  await Promise.all(cluster.standbys.map(cluster.caughtUp))
  return world
}
afterAll(async () => (await shared)?.[Symbol.asyncDispose]())

const standbysOf = ({ cluster }: World) => cluster.standbys as [ClusterServer, ...ClusterServer[]]

describe('reads', () => {
  test(
    'run on standbys, writes on the primary, and a standby that goes takes none with it',
    async () => {
      await using world = await startWorld({ standbys: 2 })
      const { cluster } = world
      const database = await openKnowing(world)
      const ports = cluster.standbys.map(({ port }) => port)
      const first = await portOf(database.reads.execute(portText))
      const read = { standby: ports.includes(first), primary: await portOf(database.db.execute(portText)) }
      expect(read).toEqual({ standby: true, primary: cluster.primary.port })

      for (const standby of cluster.standbys) {
        await standby.kill()
        const reads = Array.from({ length: 50 }, () => portOf(database.reads.execute(portText)))
        const answered = new Set(await Promise.all(reads))
        expect(answered.has(standby.port)).toBe(false)
      }
      expect(await portOf(database.reads.execute(portText))).toBe(cluster.primary.port)
      expect(database.status().counters.defects).toBe(0)
    },
    bound,
  )

  test(
    'write nothing, wherever they run',
    async () => {
      await using world = await startWorld({ standbys: 1 })
      const { cluster } = world
      const [standby] = standbysOf(world)
      const migrator = world.open({ name: 'migrator', url: world.migratorUrl })
      await migrator.db.execute(sql`
        create function add_write() returns int language sql as 'insert into writes values (9, 9) returning id'`)
      await migrator.db.execute(sql`grant execute on function add_write() to public`)
      const database = await openKnowing(world)
      await cluster.caughtUp(standby)
      const outcomeOf = (work: PromiseLike<unknown>): Promise<string | null> =>
        Promise.resolve(work).then(
          () => 'done',
          (error: unknown) => findDatabaseError(error)?.code ?? sqlState(error),
        )
      const attempts = async (): Promise<(string | null)[]> =>
        await Promise.all([
          outcomeOf(database.reads.execute(sql`insert into writes values (1, 1)`)),
          outcomeOf(database.reads.execute(sql`select * from writes for update`)),
          outcomeOf(database.reads.execute(sql`with w as (delete from writes returning id) select * from w`)),
          outcomeOf(database.reads.execute(sql`select add_write()`)),
          outcomeOf(database.reads.transaction((tx) => tx.insert(writes).values({ id: 2, caller: 2 }))),
          outcomeOf(database.reads.transaction((tx) => tx.select().from(writes))),
          outcomeOf(
            database.reads.transaction((tx) => tx.insert(writes).values({ id: 3, caller: 3 }), {
              accessMode: 'read write',
            }),
          ),
          outcomeOf(
            database.reads.transaction(async (tx) => {
              await tx.execute(sql`set local transaction_read_only = off`)
              await tx.insert(writes).values({ id: 4, caller: 4 })
            }),
          ),
        ])
      const refused = 'CONFIGURATION'
      const expected = [refused, refused, refused, '25006', '25006', 'done', refused, refused]
      const onStandby = await attempts()
      await standby.stop()
      await eventually(async () => database.hosts()[1]?.role === 'unreachable')
      expect({ onStandby, onPrimary: await attempts() }).toEqual({ onStandby: expected, onPrimary: expected })
      expect(await world.ask<{ id: number }>(cluster.primary, 'select id from writes')).toEqual([])
    },
    bound,
  )

  test(
    'go to no standby that is too far behind, and come back when it has caught up',
    async () => {
      const world = await sharedWorld()
      const { cluster } = world
      const [standby] = standbysOf(world)
      const database = await openKnowing(world, { replicas: { maxLagMs: 1_500 } })
      await cluster.pauseReplay(standby)
      await eventually(
        async () => {
          await database.db.insert(writes).values({ id: 1, caller: 1 })
          return (database.hosts()[1]?.lagMs ?? 0) > 1_500
        },
        { timeoutMs: 30_000 },
      )
      const behind = await portOf(database.reads.execute(portText))
      await cluster.resumeReplay(standby)
      await eventually(async () => database.hosts()[1]?.lagMs === 0)
      expect([behind, await portOf(database.reads.execute(portText))]).toEqual([
        cluster.primary.port,
        standby.port,
      ])
    },
    bound,
  )

  test(
    'of what was made on the primary a moment ago are answered there, as long as no standby knows it',
    async () => {
      await using world = await startWorld({ standbys: 1 })
      const { cluster } = world
      const [standby] = standbysOf(world)
      const database = await openKnowing(world)
      await cluster.pauseReplay(standby)
      const migrator = world.open({ name: 'migrator', url: world.migratorUrl })
      await migrator.db.execute(sql`create schema made`)
      await migrator.db.execute(sql`grant usage on schema made to public`)
      await migrator.db.execute(sql`create table made.things as select 1 as id`)
      await migrator.db.execute(sql`grant select on made.things to public`)
      await migrator.db.execute(sql`alter table writes add column note text`)
      const rows = await Promise.all([
        database.reads.execute(sql`select id from made.things`),
        database.reads.execute(sql`select count(note)::int as id from writes`),
      ])
      const missing = await database.reads.execute(sql`select nothing from writes`).then(
        () => null,
        (error: unknown) => sqlState(error),
      )
      expect({ rows: rows.map(([row]) => row), missing, counts: database.readCounts() }).toEqual({
        rows: [{ id: 1 }, { id: 0 }],
        missing: '42703',
        counts: { standby: 0, primary: 0, behind: 0, failed: 3 },
      })
    },
    bound,
  )

  test(
    'of db are routed inside within() where that is asked for, and never what writes, locks or may do either',
    async () => {
      const world = await sharedWorld()
      const [standby] = standbysOf(world)
      const migrator = world.open({ name: 'migrator', url: world.migratorUrl })
      await migrator.db.execute(sql`
        create function port_of_server() returns int language sql volatile as 'select inet_server_port()'`)
      await migrator.db.execute(sql`grant execute on function port_of_server() to public`)
      const database = await openKnowing(world, { replicas: { routeReads: true } })
      const routed = await database.within({}, async () => ({
        read: await portOf(
          database.db.execute(
            sql`select setting::int as port from pg_catalog.pg_settings where name = 'port'`,
          ),
        ),
        transaction: await portOf(database.db.transaction((tx) => tx.execute(portText))),
        // Of the user's own functions nobody knows what they do.
        unknown: await portOf(database.db.execute(sql`select port_of_server() as port`)),
      }))
      const outside = await portOf(
        database.db.execute(sql`select setting::int as port from pg_catalog.pg_settings where name = 'port'`),
      )
      expect({ ...routed, outside }).toEqual({
        read: standby.port,
        transaction: world.cluster.primary.port,
        unknown: world.cluster.primary.port,
        outside: world.cluster.primary.port,
      })
    },
    bound,
  )

  test(
    "go where Drizzle's own withReplicas sends them",
    async () => {
      const world = await sharedWorld()
      const [standby] = standbysOf(world)
      const database = await openKnowing(world)
      const both = withReplicas(database.db as never, [database.reads as never]) as typeof database.db
      await both.insert(writes).values({ id: 1, caller: 1 })
      await world.cluster.caughtUp(standby)
      const before = database.readCounts().standby
      const rows = await both.select().from(writes)
      expect({ rows, onStandby: database.readCounts().standby - before }).toEqual({
        rows: [{ id: 1, caller: 1 }],
        onStandby: 1,
      })
    },
    bound,
  )
})

describe('a context that has written', () => {
  test(
    'reads its writes, also behind its token in another process, through standbys that lag by up to 2 s',
    async () => {
      await using world = await startWorld({ standbys: 2 })
      const { cluster } = world
      const database = await openKnowing(world)
      const other = await openKnowing(world, { name: 'other' })
      let isOver = false
      // Each standby in turn replays nothing for up to two seconds.
      const lagging = (async () => {
        for (let turn = 0; !isOver; turn++) {
          const standby = cluster.standbys[turn % 2] as ClusterServer
          await cluster.pauseReplay(standby)
          const until = performance.now() + 200 + Math.random() * 1_800
          await eventually(async () => isOver || performance.now() > until)
          await cluster.resumeReplay(standby)
        }
      })()
      const stale = { inside: 0, behindToken: 0 }
      const isThere = async (reads: Database<Plain>['reads'], id: number) =>
        (
          await firstRow<{ n: number }>(
            reads.execute(sql`select count(*)::int as n from writes where id = ${id}`),
          )
        ).n > 0
      let id = 0
      const total = 10_000
      await Promise.all(
        Array.from({ length: 20 }, async (_, caller) => {
          while (id < total) {
            const own = id++
            const token = await database.within({}, async () => {
              if (own % 2 === 0) await database.db.insert(writes).values({ id: own, caller })
              else await database.transaction((tx) => tx.insert(writes).values({ id: own, caller }))
              for (let read = 0; read < 3; read++) if (!(await isThere(database.reads, own))) stale.inside++
              return database.writtenUntil()
            })
            if (token === null) throw new Error('a context that has written has no token')
            await other.within({ writtenUntil: token }, async () => {
              if (!(await isThere(other.reads, own))) stale.behindToken++
            })
          }
        }),
      )
      isOver = true
      await lagging
      const counts = [database.readCounts(), other.readCounts()]
      const reads = counts.reduce(
        (sum, { standby, primary, behind, failed }) => sum + standby + primary + behind + failed,
        0,
      )
      const onStandbys = counts.reduce((sum, { standby }) => sum + standby, 0)
      console.log(`${((onStandbys / reads) * 100).toFixed(1)} % of ${reads} reads ran on standbys`, counts)
      expect({ stale, written: (await world.ask(cluster.primary, 'select id from writes')).length }).toEqual({
        stale: { inside: 0, behindToken: 0 },
        written: id,
      })
      expect(onStandbys).toBeGreaterThan(0)
    },
    bound,
  )

  test(
    'reads from the primary when it does not know until where it has written',
    async () => {
      const world = await sharedWorld()
      const { cluster } = world
      const database = await openKnowing(world)
      const ports = await database.within({}, async () => {
        const before = await portOf(database.reads.execute(portText))
        const over = new AbortController()
        const late = database
          .within({ signal: over.signal }, () =>
            database.db.execute(
              sql`with w as (insert into writes values (1, 1) returning id) select pg_sleep(60) from w`,
            ),
          )
          .catch(() => {})
        const running =
          "select from pg_stat_activity where state = 'active' and query like 'with w as (insert%'"
        await eventually(async () => (await world.ask(cluster.primary, running)).length > 0)
        over.abort()
        await late
        return {
          before,
          after: await portOf(database.reads.execute(portText)),
          token: database.writtenUntil(),
        }
      })
      expect(ports).toEqual({
        before: standbysOf(world)[0].port,
        after: cluster.primary.port,
        token: 'test_db:unknown',
      })
    },
    bound,
  )

  test(
    'waits for no slow read of a standby that turns out not to show yet what was written',
    async () => {
      await using world = await startWorld({ standbys: 1 })
      const { cluster } = world
      const [standby] = standbysOf(world)
      const database = await openKnowing(world)
      await cluster.pauseReplay(standby)
      const running = "select from pg_stat_activity where state = 'active' and query = 'select pg_sleep(61)'"
      const over = new AbortController()
      const read = database
        .within({ signal: over.signal }, async () => {
          await database.db.insert(writes).values({ id: 1, caller: 1 })
          await database.reads.execute(sql.raw('select pg_sleep(61)'))
        })
        .catch(() => {})
      await eventually(async () => (await world.ask(cluster.primary, running)).length > 0)
      expect({ onStandby: await world.ask(standby, running), counts: database.readCounts() }).toEqual({
        onStandby: [],
        counts: { standby: 0, primary: 0, behind: 1, failed: 0 },
      })
      over.abort()
      await read
    },
    bound,
  )
})
