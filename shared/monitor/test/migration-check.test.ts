import { expect, test } from 'bun:test'
import { createDatabase } from '@shared/database'
import { withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { createMigrationCheck } from '../src/index.ts'

const journal = { entries: [1, 2].map((when) => ({ tag: `000${when}`, when })) }

const record = (...times: number[]) =>
  sql.raw(`
    create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
    insert into drizzle.__drizzle_migrations (hash, created_at) values ${times.map((at) => `('x', ${at})`).join()}`)

/** As the runtime role asks, and as the migrator changes. */
async function open() {
  const test = await withDatabase()
  const database = createDatabase({ name: 'app', url: test.appUrl })
  const owner = createDatabase({ name: 'owner', url: test.migratorUrl, connection: { prepare: false } })
  const check = createMigrationCheck(database, journal, { cacheMs: 0 })
  const state = async () => {
    const { state, pending, code } = await check.recheck()
    return `${state} ${pending.join()} ${code ?? ''}`.trim()
  }
  return {
    check,
    owner,
    state,
    database,
    async [Symbol.asyncDispose]() {
      await Promise.all([database.close(), owner.close()])
      await test.drop()
    },
  }
}

test('a database is behind until it has every migration, and one that is ahead is current', async () => {
  await using world = await open()
  const states = [await world.state()]
  for (const at of [1, 2, 3]) {
    await world.owner.db.execute(record(at))
    states.push(await world.state())
  }
  expect(states).toEqual(['behind 0001,0002', 'behind 0002', 'current', 'current'])
})

test('a role that may not read the journal makes it unknown, which is not behind, and costs no connection', async () => {
  await using world = await open()
  await world.owner.db.execute(record(1))
  await world.owner.db.execute(sql`revoke all on schema drizzle from test_app`)
  expect(await world.state()).toBe('unknown  42501')
  const pid = () => world.database.observe(async (connection) => connection.pid)
  const before = await pid()
  await world.check.recheck()
  expect(await pid()).toBe(before)
})

test('a current database is asked again only when there is a reason to', async () => {
  await using world = await open()
  await world.owner.db.execute(record(1, 2))
  const first = await world.check.check()
  await world.owner.db.execute(sql`drop table drizzle.__drizzle_migrations`)
  expect([first.state, (await world.check.check()).state, (await world.check.recheck()).state]).toEqual([
    'current',
    'current',
    'behind',
  ])
})
