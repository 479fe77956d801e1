import { expect, test } from 'bun:test'
import { type ClusterServer, eventually } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { startWorld } from './world.ts'

const burnTransactions =
  'do $$ begin for i in 1..5000 loop perform pg_current_xact_id(); commit; end loop; end $$'
const fillNetwork =
  "select pg_logical_emit_message(false, 'x', repeat('x', 1000000)) from generate_series(1, 40)"

test('definitions that change on a new primary are noticed, also where the old one had done more transactions', async () => {
  await using world = await startWorld({ standbys: 1 })
  const { cluster } = world
  const [old, next] = cluster.servers as [ClusterServer, ClusterServer]
  await world.ask(old, 'create table moments (at timestamp)')
  await world.ask(old, 'grant all on moments to public')
  await cluster.caughtUp(next)
  const database = world.open({
    pool: { poolSize: 1, maxOverflow: 0 },
    connection: { definitionsCheckMs: 6_000 },
  })
  await database.connect()
  await eventually(() => database.hosts()[1]?.role === 'standby')
  // What comes behind as much as the network holds never reaches a standby that reads nothing.
  await next.freeze()
  await world.ask(old, fillNetwork)
  await world.ask(old, burnTransactions)
  const [ahead] = await world.ask<{ at: string }>(old, 'select clock_timestamp()::text as at')
  const look = `select from pg_stat_activity
    where query_start > '${ahead?.at}' and application_name = 'cluster health' and query like '%since as materialized%'`
  await eventually(async () => (await world.ask(old, look)).length > 0)
  await old.kill()
  next.thaw()
  await cluster.promote(next)
  const insert = (at: string) => database.db.execute(sql`insert into moments values (${at})`)
  await insert('2020-01-01T00:00:00Z')
  // A busy machine may let a look come before the change: it sees that the history is another one.
  const before = database.eventCounts()['definitions-changed']
  await world.ask(next, "alter table moments alter column at type timestamptz using at at time zone 'UTC'")
  await eventually(() => database.eventCounts()['definitions-changed'] > before)
  await insert('2021-01-01T00:00:00+05:00')
  expect(
    await world.ask<{ at: string }>(next, "select (max(at) at time zone 'UTC')::text as at from moments"),
  ).toEqual([{ at: '2020-12-31 19:00:00' }])
}, 120_000)
