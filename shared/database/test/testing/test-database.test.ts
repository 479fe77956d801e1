import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { eventually, testPostgres } from '@shared/postgres/testing'
import { sql } from 'drizzle-orm'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { createDatabase, type Database } from '../../src/index.ts'
import { createTestDatabase } from '../../src/testing/index.ts'
import { folderOf } from '../migrations-folder.ts'

const items = pgTable('items', { id: integer().primaryKey(), name: text().notNull() })
const first = { when: 1, text: 'create table items (id int primary key, name text not null)' }
const second = { when: 2, text: `insert into items values (1, 'of the migration')` }

// A server of somebody's own: a database, and a login that may create others and nothing more.
const own = `own_${crypto.randomUUID().slice(0, 8)}`
let url: string
let admin: Database<Record<string, never>>
beforeAll(async () => {
  const { adminUrl } = await testPostgres()
  admin = createDatabase({ name: 'admin', url: adminUrl, pool: { poolSize: 2 } })
  await admin.db.execute(sql.raw(`create role ${own} login createdb password 'local'`))
  await admin.db.execute(sql.raw(`create database ${own} owner ${own}`))
  const place = new URL(adminUrl)
  url = `postgres://${own}:local@${place.host}/${own}`
})
afterAll(async () => {
  for (const name of await present()) await admin.db.execute(sql.raw(`drop database ${name} with (force)`))
  await admin.db.execute(sql.raw(`drop database ${own} with (force)`))
  await admin.db.execute(sql.raw(`drop role ${own}`))
  await admin.close()
})

/** The databases of the login but its own. */
async function present(): Promise<string[]> {
  const rows = await admin.db.execute<{ name: string }>(
    sql`select datname as name from pg_database where pg_get_userbyid(datdba) = ${own} and datname <> ${own} order by 1`,
  )
  return rows.map(({ name }) => name)
}
const fresh = async () => (await present()).filter((name) => !name.includes('template'))
const templates = async () => (await present()).filter((name) => name.includes('template'))

describe('createTestDatabase()', () => {
  test('makes databases that have the migrations applied and share nothing', async () => {
    using folder = folderOf(first, second)
    const options = { url, migrationsFolder: folder.folder, schema: { items } }
    const made = await Promise.all(Array.from({ length: 8 }, () => createTestDatabase(options)))
    await Promise.all(made.map(({ database, name }) => database.db.insert(items).values({ id: 2, name })))
    const rows = await Promise.all(made.map(({ database }) => database.db.query.items.findMany()))
    expect(rows).toEqual(
      made.map(({ name }) => [
        { id: 1, name: 'of the migration' },
        { id: 2, name },
      ]),
    )
    expect((await templates()).length).toBe(1)
    await Promise.all(made.map((one) => one.drop()))
    expect(await fresh()).toEqual([])
    await printTimes(options)
  }, 60_000)

  test('makes another template when the migrations are others', async () => {
    using before = folderOf(first)
    using after = folderOf(first, { when: 3, text: 'alter table items add column price int' })
    const before1 = (await templates()).length
    await using one = await createTestDatabase({ url, migrationsFolder: before.folder })
    await using two = await createTestDatabase({ url, migrationsFolder: after.folder })
    const columns = async ({ db }: Database<Record<string, never>>) =>
      (
        await db.execute(
          sql`select column_name as name from information_schema.columns where table_name = 'items' order by ordinal_position`,
        )
      ).map(({ name }) => name)
    expect({
      one: await columns(one.database),
      two: await columns(two.database),
      made: (await templates()).length - before1,
    }).toEqual({
      one: ['id', 'name'],
      two: ['id', 'name', 'price'],
      made: 2,
    })
  }, 60_000)

  test('leaves no template behind a migration that fails, and reports that one', async () => {
    using folder = folderOf({ when: 1, text: 'create table broken (id no_such_type)' })
    const before = await present()
    const attempt = () => createTestDatabase({ url, migrationsFolder: folder.folder })
    await expect(attempt()).rejects.toMatchObject({ code: 'MIGRATION' })
    await expect(attempt()).rejects.toMatchObject({ code: 'MIGRATION' })
    expect(await present()).toEqual(before)
  }, 60_000)

  test('gives handles whose work is undone by their close, over the same database', async () => {
    using folder = folderOf(first, second)
    await using made = await createTestDatabase({ url, migrationsFolder: folder.folder, schema: { items } })
    const handle = made.rollback()
    await handle.db.transaction((tx) => tx.insert(items).values({ id: 2, name: 'undone' }))
    expect((await handle.db.query.items.findMany()).length).toBe(2)
    await handle.close()
    expect(await made.database.db.query.items.findMany()).toEqual([{ id: 1, name: 'of the migration' }])
  }, 60_000)

  test('refuses a login that may not, and a template beside migrations', async () => {
    const poor = `${own}_poor`
    await admin.db.execute(sql.raw(`create role ${poor} login password 'local'`))
    try {
      const attempt = createTestDatabase({ url: url.replace(own, poor) })
      await expect(attempt).rejects.toMatchObject({ cause: { code: '42501' } })
    } finally {
      await eventually(() => admin.db.execute(sql.raw(`drop role ${poor}`)))
    }
    const template = { key: 'x', prepare: async () => {} }
    await expect(createTestDatabase({ url, migrationsFolder: '.', template })).rejects.toMatchObject({
      code: 'CONFIGURATION',
    })
  }, 60_000)
})

/** What one takes, alone: a database, and a handle that is rolled back. The machine decides, so nothing is expected of it. */
async function printTimes(options: Parameters<typeof createTestDatabase>[0]): Promise<void> {
  await using made = await createTestDatabase(options)
  const startedAt = performance.now()
  const handle = made.rollback()
  await handle.connect()
  await handle.close()
  const rollbackMs = performance.now() - startedAt
  console.log(
    `a database took ${made.tookMs.toFixed(0)} ms, a handle that is rolled back ${rollbackMs.toFixed(0)} ms`,
  )
}

describe('processes at once', () => {
  const started = new Set<Bun.Subprocess>()
  // Also when a test fails.
  afterEach(() => {
    for (const child of started) child.kill('SIGKILL')
    started.clear()
  })
  function start(folder: string, after: string) {
    const program = join(import.meta.dir, 'create-process.ts')
    const child = Bun.spawn([process.execPath, program, url, folder, after], {
      stdout: 'pipe',
      stderr: 'inherit',
    })
    started.add(child)
    return child
  }
  type Said = { names: string[]; rows: { count: number }[] }
  /** What a process says once its databases are there. */
  async function said({ stdout }: { stdout: ReadableStream<Uint8Array> }): Promise<Said> {
    let text = ''
    const decoder = new TextDecoder()
    for await (const bytes of stdout) {
      text += decoder.decode(bytes, { stream: true })
      if (text.includes('\n')) break
    }
    return JSON.parse(text)
  }

  test('make one template and databases of their own; those that a run leaves are dropped by the next, those in use are not', async () => {
    using folder = folderOf(first, second, { when: 9, text: 'select 1' })
    const templatesBefore = (await templates()).length
    const running = [start(folder.folder, 'wait'), start(folder.folder, 'wait'), start(folder.folder, 'end')]
    const all = await Promise.all(running.map(said))
    const [alive, killed, ended] = all.map(({ names }) => names) as [string[], string[], string[]]
    expect({
      rows: all.flatMap(({ rows }) => rows.map(({ count }) => count)),
      names: new Set(all.flatMap(({ names }) => names)).size,
      templates: (await templates()).length - templatesBefore,
    }).toEqual({ rows: [1, 1, 1, 1, 1, 1], names: 6, templates: 1 })

    // By itself, without having dropped anything; the other is killed.
    expect(await running[2]?.exited).toBe(0)
    running[1]?.kill('SIGKILL')
    await running[1]?.exited
    const left = [...alive, ...killed, ...ended].sort()
    expect((await fresh()).sort()).toEqual(left)
    await eventually(
      async () => {
        const later = start(folder.folder, 'drop')
        await said(later)
        expect(await later.exited).toBe(0)
        expect((await fresh()).sort()).toEqual([...alive].sort())
      },
      { timeoutMs: 30_000 },
    )
  }, 90_000)
})
