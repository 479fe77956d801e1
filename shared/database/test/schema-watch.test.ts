import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { eventually, pgBouncerPrograms, startPgBouncer, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { migrationChannel, migrationLockKey } from '../src/connection/migration-signal.ts'
import { createDatabase, type DatabaseOptions } from '../src/index.ts'
import { firstRow } from './support.ts'

setDefaultTimeout(120_000)

/** A database of its own with a table, this layer on it, and other sessions that look and change. */
async function createWorld(options: Partial<DatabaseOptions<Record<string, never>>> = {}) {
  const test = await withDatabase()
  const owner = postgres(test.migratorUrl, { max: 1, onnotice: () => {} })
  const admin = postgres(test.adminUrl, { max: 1, onnotice: () => {} })
  await owner.unsafe('create table days (day date)')
  const database = createDatabase({
    name: 'watched',
    url: test.appUrl,
    pool: { poolSize: 1, maxOverflow: 0 },
    ...options,
    connection: { definitionsCheckMs: 100, ...options.connection },
  })
  /** The watch's session: its process and when its last statement began. */
  const watching = async () =>
    (
      await admin`select pid, query_start::text as since from pg_stat_activity
      where datname = current_database() and application_name = 'watched health'
        and query like '%pg_snapshot_xmin%' and state = 'idle'`
    )[0]
  return {
    test,
    owner,
    admin,
    database,
    watching,
    insert: (day: string) => database.db.execute(sql`insert into days values (${day})`),
    prepared: async () =>
      (
        await firstRow<{ n: number }>(
          database.db.execute(sql`select count(*)::int as n from pg_prepared_statements`),
        )
      ).n,
    changes: () => database.eventCounts()['definitions-changed'],
    /** Settles after two more looks, of which the second began after the call. */
    async looked() {
      for (let look = 0; look < 2; look++) {
        const before = (await watching())?.since
        await eventually(async () => {
          const { since } = (await watching()) ?? {}
          return since !== undefined && since !== before
        })
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([database.close(), owner.end(), admin.end()])
      await test.drop()
    },
  }
}

const held = ({ database }: { database: { events(): readonly { type: string; detail?: string }[] } }) =>
  database.events().flatMap(({ type, detail }) => (type.startsWith('plans-') ? [detail ?? type] : []))

describe('a definition that changes', () => {
  test('retires the connections that were made before, and no others', async () => {
    await using world = await createWorld()
    await world.insert('2020-01-01')
    await world.insert('2020-01-01')
    const before = await world.prepared()
    await world.owner.unsafe('alter table days alter day type timestamp')
    await eventually(() => world.changes() > 0)
    await world.insert('2020-01-02 12:00')
    await world.looked()
    await world.insert('2020-01-02 12:00')
    const { counters } = world.database.status()
    expect({
      before,
      after: await world.prepared(),
      changes: world.changes(),
      closes: counters.closes.replaced,
    }).toEqual({
      before: 1,
      after: 1,
      changes: 1,
      closes: 1,
    })
    const [row] =
      await world.owner`select count(*)::int as n from days where day::text = '2020-01-02 12:00:00'`
    expect(row).toEqual({ n: 2 })
  })

  test('stops plans at once inside a transaction that is under way', async () => {
    await using world = await createWorld()
    await world.insert('2020-01-01')
    await world.insert('2020-01-01')
    await world.database.db.transaction(async (tx) => {
      await tx.execute(sql`select 1`)
      await world.owner.unsafe('alter table days alter day type timestamp')
      await eventually(() => world.changes() > 0)
      await tx.execute(sql`insert into days values (${'2020-01-02 12:00'})`)
    })
    const [row] =
      await world.owner`select count(*)::int as n from days where day::text = '2020-01-02 12:00:00'`
    expect(row).toEqual({ n: 1 })
  })

  test.each([
    [
      'a column of a role that may not read it',
      'create table secrets (a int); revoke all on secrets from public',
    ],
    [
      'a table by the name of another',
      'alter table days rename to days_old; create table days (day timestamp)',
    ],
    ['a schema that is renamed', 'create schema fresh; alter schema fresh rename to other'],
    ['a function', 'create function one() returns int language sql as $$ select 1 $$'],
    ['a domain', 'create domain short as text'],
    ['a view', 'create view seen as select day from days'],
    [
      'a column inside a block that catches errors',
      'do $$ begin alter table days alter day type timestamp; exception when others then raise; end $$',
    ],
  ])('is noticed once: %s', async (_, change) => {
    await using world = await createWorld()
    await world.insert('2020-01-01')
    await world.looked()
    await world.owner.unsafe(change)
    await eventually(() => world.changes() > 0)
    await world.looked()
    expect(world.changes()).toBe(1)
  })

  test('is noticed when its transaction commits, though it began long before', async () => {
    await using world = await createWorld()
    await world.insert('2020-01-01')
    const commit = Promise.withResolvers<void>()
    const altered = Promise.withResolvers<void>()
    const change = world.owner.begin(async (tx) => {
      await tx.unsafe('savepoint a; create domain short as text; release a')
      altered.resolve()
      await commit.promise
    })
    await altered.promise
    await world.looked()
    const before = world.changes()
    commit.resolve()
    await change
    await eventually(() => world.changes() > 0)
    await world.looked()
    expect({ before, after: world.changes() }).toEqual({ before: 0, after: 1 })
  })

  test('is noticed when it happens while the connection that looks is lost', async () => {
    await using world = await createWorld()
    await world.insert('2020-01-01')
    await world.looked()
    const lost = await world.watching()
    await world.admin.begin(async (tx) => {
      await tx`select pg_terminate_backend(${lost?.pid})`
      await tx.unsafe('alter table public.days alter day type timestamp')
    })
    await eventually(() => world.changes() > 0)
    await world.insert('2020-01-02 12:00')
    await world.looked()
    const [row] =
      await world.owner`select count(*)::int as n from days where day::text = '2020-01-02 12:00:00'`
    expect({ row, changes: world.changes(), again: (await world.watching())?.pid !== lost?.pid }).toEqual({
      row: { n: 1 },
      changes: 1,
      again: true,
    })
  })

  test('is not what temporary tables, TRUNCATE, indexes and ANALYZE do', async () => {
    await using world = await createWorld()
    await world.insert('2020-01-01')
    await world.looked()
    await world.owner.unsafe('truncate days')
    await world.owner.unsafe('create index on days (day); analyze days')
    await world.admin.unsafe('create temp table t (a int); alter table t add b int; drop table t')
    await world.looked()
    expect(world.changes()).toBe(0)
  })
})

for (const program of pgBouncerPrograms())
  test(`behind PgBouncer ${program.version} a change is noticed by looks alone, and no session of its own listens`, async () => {
    await using world = await createWorld()
    await using pooler = await startPgBouncer({ program, urls: [world.test.appUrl] })
    const database = createDatabase({
      name: 'pooled',
      url: pooler.url(world.test.appUrl),
      pool: { poolSize: 2, maxOverflow: 0 },
      connection: { definitionsCheckMs: 100 },
    })
    const insert = (day: string) => database.db.execute(sql`insert into days values (${day})`)
    for (let round = 0; round < 5; round++) await insert('2020-01-01')
    await world.owner.unsafe('alter table days alter day type timestamp')
    await eventually(() => database.eventCounts()['definitions-changed'] > 0)
    await insert('2020-01-02 12:00')
    const listening = await database.db.execute(sql`select * from pg_listening_channels()`)
    const [kept] = await world.owner`select count(*)::int as n from days where day::text like '% 12:00:00'`
    expect({ kept, listening: [...listening] }).toEqual({ kept: { n: 1 }, listening: [] })
    await database.close()
  })

describe('plans', () => {
  const announce = (world: { owner: postgres.Sql }, payload: string) =>
    world.owner`select pg_notify(${migrationChannel}, ${payload})`

  test('are not used while a migration is under way, and those made before are used again when it changed nothing', async () => {
    await using world = await createWorld()
    await world.insert('2020-01-01')
    await world.looked()
    await world.owner.unsafe(`select pg_advisory_lock(${migrationLockKey})`)
    await announce(world, 'begin')
    await eventually(() => held(world).length === 1)
    await world.looked()
    const day = (n: number) => firstRow(world.database.db.execute(sql`select ${n}::int as n`))
    await day(1)
    const meanwhile = await world.prepared()
    await world.owner.unsafe(`select pg_advisory_unlock(${migrationLockKey})`)
    await announce(world, 'end')
    await eventually(() => held(world).length === 2)
    await day(2)
    expect({
      meanwhile,
      afterwards: await world.prepared(),
      held: held(world),
      changes: world.changes(),
    }).toEqual({
      meanwhile: 1,
      afterwards: 2,
      held: ['migrating', 'plans-released'],
      changes: 0,
    })
  })

  test('are used again when the migration dies without a word', async () => {
    await using world = await createWorld()
    await world.insert('2020-01-01')
    await world.looked()
    const migrator = postgres(world.test.migratorUrl, { max: 1 })
    await migrator.unsafe(`select pg_advisory_lock(${migrationLockKey})`)
    await migrator`select pg_notify(${migrationChannel}, 'begin')`
    await eventually(() => held(world).length === 1)
    await world.looked()
    const meanwhile = held(world).length
    await migrator.end()
    await eventually(() => held(world).length === 2)
    expect(meanwhile).toBe(1)
  })

  test('are not used by a service that starts during a migration', async () => {
    await using world = await createWorld()
    await world.owner.unsafe(`select pg_advisory_lock(${migrationLockKey})`)
    await world.insert('2020-01-01')
    await eventually(() => held(world).length === 1)
    await world.owner.unsafe(`select pg_advisory_unlock(${migrationLockKey})`)
    await eventually(() => held(world).length === 2)
    expect(held(world)).toEqual(['migrating', 'plans-released'])
  })

  test('are not used while nobody can look at the catalog, and are again as soon as somebody can', async () => {
    await using limited = await withDatabase({ connectionLimit: 1 })
    const admin = postgres(limited.adminUrl, { max: 1, onnotice: () => {} })
    const database = createDatabase({
      name: 'blind',
      url: limited.appUrl,
      pool: { poolSize: 1, maxOverflow: 0 },
      connection: { definitionsCheckMs: 100 },
    })
    await database.db.execute(sql`select ${1}::int`)
    await eventually(() => held({ database }).length === 1)
    const role = new URL(limited.appUrl).username
    await admin.unsafe(`alter role ${role} connection limit 5`)
    await eventually(() => held({ database }).length === 2)
    expect(held({ database })).toEqual(['blind', 'plans-released'])
    await database.close()
    await admin.end()
  })

  test('are nobody’s business with definitionsCheckMs 0: no connection is made for them', async () => {
    await using world = await createWorld({ connection: { definitionsCheckMs: 0 } })
    await world.insert('2020-01-01')
    await world.owner.unsafe('create domain short as text')
    expect({ watching: await world.watching(), changes: world.changes() }).toEqual({
      watching: undefined,
      changes: 0,
    })
  })
})
