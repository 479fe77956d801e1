import { expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { createDatabase } from '../src/index.ts'
import { folderOf } from './migrations-folder.ts'

setDefaultTimeout(60_000)

const value = '2022-01-01 00:00:00-02'

/** A database with a table whose column becomes a timestamptz, a plan on it made before, and a process that migrates. */
async function createWorld() {
  const home = await withDatabase()
  const owner = postgres(home.migratorUrl, { max: 1, onnotice: () => {} })
  const admin = postgres(home.adminUrl, { max: 1, onnotice: () => {} })
  /** Whether a connection of that name is at a statement with the text in it, or has just been. */
  const has = async (application: string, text: string) => {
    const [row] =
      await admin`select count(*)::int as n from pg_stat_activity where datname = current_database()
      and application_name = ${application} and query like ${`%${text}%`}`
    return row?.n === 1
  }
  await owner.unsafe('create table moments (n int, moment timestamp, era int not null default 0)')
  const migrations = folderOf({
    when: 1,
    text: `alter table moments alter moment type timestamptz using moment at time zone 'UTC';
      alter table moments alter era set default 1`,
  })
  const database = createDatabase({
    name: 'announced',
    url: home.appUrl,
    pool: { poolSize: 2, maxOverflow: 0 },
    // It looks all the time: that must not be taken for an answer.
    connection: { definitionsCheckMs: 20 },
  })
  const insert = (n: number) =>
    database.db.execute(sql`insert into moments (n, moment) values (${n}, ${value})`)
  await insert(0)
  await eventually(() => has('announced health', 'pg_snapshot_xmin'))
  return {
    database,
    owner,
    has,
    insert,
    migrate: () =>
      Bun.spawn(
        [process.execPath, join(import.meta.dir, 'migrate-process.ts'), home.migratorUrl, migrations.folder],
        {
          stdout: 'inherit',
          stderr: 'inherit',
        },
      ),
    async [Symbol.asyncDispose]() {
      await Promise.all([database.close(), owner.end(), admin.end()])
      migrations[Symbol.dispose]()
      await home.drop()
    },
  }
}

test('a service whose event loop is blocked again and again stores nothing by a plan from before a migration', async () => {
  await using world = await createWorld()
  const child = world.migrate()
  let isOver = false
  void child.exited.then(() => {
    isOver = true
  })
  for (let n = 1; !isOver; n++) {
    const written = world.insert(n)
    // What the socket brings meanwhile is not read before this is over.
    const until = performance.now() + 300
    while (performance.now() < until);
    await written
  }
  await world.insert(-1)
  expect(await child.exited).toBe(0)
  const wrong = await world.owner`
    select n, moment::text from moments where era = 1 and moment <> ${value}::timestamptz`
  expect(wrong).toHaveLength(0)
  const [last] = await world.owner`select era from moments where n = -1`
  expect(last).toEqual({ era: 1 })
})

test('a migration waits for a statement that runs by a plan from before it', async () => {
  await using world = await createWorld()
  const { db } = world.database
  const slow = () => db.execute(sql`select pg_sleep(${1}::float8), ${value}::text`)
  const running = Promise.resolve(slow()).then(() => performance.now())
  await eventually(() => world.has('announced', 'pg_sleep'))
  const migrated = world.migrate().exited.then(() => performance.now())
  expect(await migrated).toBeGreaterThan(await running)
})
