import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { eq, sql } from 'drizzle-orm'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { channels, createDatabase, type Database, type DatabaseOptions } from '../../src/index.ts'
import { createRollbackDatabase } from '../../src/testing/index.ts'

const items = pgTable('items', { id: integer().primaryKey(), name: text().notNull() })

let postgres: TestDatabase
let outside: Database<Record<string, never>>
beforeAll(async () => {
  postgres = await withDatabase()
  outside = createDatabase({ name: 'outside', url: postgres.adminUrl, pool: { poolSize: 2 } })
  await outside.db.execute(sql`create table items (id int primary key, name text not null)`)
  await outside.db.insert(items).values({ id: 1, name: 'kept' })
})
afterAll(async () => {
  await outside.close()
  await postgres.drop()
})

function open(options: Partial<DatabaseOptions<Record<string, never>>> = {}) {
  const database = createRollbackDatabase({ name: 'rollback', url: postgres.adminUrl, ...options })
  return Object.assign(database, { [Symbol.asyncDispose]: () => database.close() })
}
const names = async ({ db }: Pick<Database<Record<string, never>>, 'db'>) =>
  (await db.select().from(items).orderBy(items.id)).map(({ name }) => name)

describe('a database that is rolled back', () => {
  test('undoes statements, transactions and what use() did, at its close', async () => {
    {
      await using database = open()
      await database.db.insert(items).values({ id: 2, name: 'statement' })
      await database.db.transaction(async (tx) => {
        await tx.insert(items).values({ id: 3, name: 'transaction' })
        await tx.transaction((inner) => inner.insert(items).values({ id: 4, name: 'nested' }))
      })
      await database.use(({ db }) => db.insert(items).values({ id: 5, name: 'use' }))
      await database.transaction((tx) => tx.update(items).set({ name: 'changed' }).where(eq(items.id, 1)))
      expect(await names(database)).toEqual(['changed', 'statement', 'transaction', 'nested', 'use'])
      expect(await names(outside)).toEqual(['kept'])
    }
    expect(await names(outside)).toEqual(['kept'])
    const left = await outside.db.execute(
      sql`select pid from pg_stat_activity where application_name like 'rollback%' and datname = current_database()`,
    )
    expect([...left]).toEqual([])
  })

  test('goes on behind a statement or a transaction that failed, without what that did', async () => {
    await using database = open()
    const insert = (id: number) => database.db.insert(items).values({ id, name: `item ${id}` })
    await insert(2)
    await expect(Promise.resolve(insert(2))).rejects.toMatchObject({ cause: { code: '23505' } })
    const mistaken = database.db.transaction(async (tx) => {
      await tx.insert(items).values({ id: 3, name: 'undone' })
      await tx.insert(items).values({ id: 2, name: 'again' })
    })
    await expect(mistaken).rejects.toMatchObject({ cause: { code: '23505' } })
    const thrown = database.db.transaction(async (tx) => {
      await tx.insert(items).values({ id: 3, name: 'undone' })
      throw new Error('not this time')
    })
    await expect(thrown).rejects.toThrow('not this time')
    await database.db.transaction(async (tx) => {
      const inner = tx.transaction(async (deep) => {
        await deep.insert(items).values({ id: 4, name: 'undone' })
        await deep.insert(items).values({ id: 2, name: 'again' })
      })
      await inner.catch(() => {})
      await tx.insert(items).values({ id: 5, name: 'item 5' })
    })
    expect(await names(database)).toEqual(['kept', 'item 2', 'item 5'])
  })

  test('serves many callers at once, one transaction after the other', async () => {
    await using database = open()
    await database.db.insert(items).values({ id: 9, name: '0' })
    const add = () =>
      database.db.transaction(async (tx) => {
        const [row] = await tx.select().from(items).where(eq(items.id, 9))
        await tx
          .update(items)
          .set({ name: String(Number(row?.name) + 1) })
          .where(eq(items.id, 9))
      })
    await Promise.all(Array.from({ length: 20 }, add))
    expect((await database.db.select().from(items).where(eq(items.id, 9)))[0]?.name).toBe('20')
  })

  test('reads what it has written with reads, and writes nothing in a transaction that only reads', async () => {
    await using database = open()
    await database.db.insert(items).values({ id: 2, name: 'own' })
    expect(await database.reads.select().from(items).where(eq(items.id, 2))).toEqual([{ id: 2, name: 'own' }])
    const write = () =>
      database.db.transaction((tx) => tx.insert(items).values({ id: 3, name: 'no' }), {
        accessMode: 'read only',
      })
    await expect(write()).rejects.toMatchObject({ cause: { code: '25006' } })
    await database.db.insert(items).values({ id: 4, name: 'after it' })
    const read = database.db.transaction((tx) => tx.select().from(items), { accessMode: 'read only' })
    expect((await read).map(({ id }) => id)).toEqual([1, 2, 4])
    await database.db.insert(items).values({ id: 5, name: 'after that' })
  })

  test('leaves no setting, temporary table or lock of use() for the next one', async () => {
    await using database = open()
    await database.use(async ({ db }) => {
      await db.execute(sql`set timezone to 'Asia/Tokyo'`)
      await db.execute(sql`create temporary table mine (id int)`)
      await db.execute(sql`select pg_advisory_lock(7)`)
    })
    const [row] = await database.db.execute(
      sql`select current_setting('timezone') <> 'Asia/Tokyo' as zone, to_regclass('mine') is null as gone,
          (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks`,
    )
    expect(row).toEqual({ zone: true, gone: true, locks: 0 })
  })

  test('ends cursors and settings with what stands for their transaction', async () => {
    await using database = open()
    const query = sql<{ n: number }>`select n from generate_series(1, 5) n`
    const streamed: number[][] = []
    for (let time = 0; time < 2; time++) {
      const rows: number[] = []
      for await (const { n } of database.stream(query, { batchSize: 2 })) rows.push(n)
      streamed.push(rows)
    }
    for await (const _ of database.stream(query, { batchSize: 2 })) break
    const seen = sql`select current_setting('app.user', true) as user, current_setting('work_mem') as mem`
    const inside = await database.session({ settings: { 'app.user': '7' } }, async (tx) => {
      await tx.execute(sql`set local work_mem = '1234kB'`)
      return [...(await tx.execute(seen))]
    })
    await database.db.execute(sql`select set_config('app.user', '8', true)`)
    const [outsideOf] = await database.db.execute(seen)
    expect({ streamed, inside, outsideOf }).toEqual({
      streamed: [
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4, 5],
      ],
      inside: [{ user: '7', mem: '1234kB' }],
      outsideOf: { user: '', mem: '4MB' },
    })
  })

  test('copies in and out, and goes on behind a COPY that failed or was not read to its end', async () => {
    await using database = open()
    await database.copyIn('items', ['2\tcopied\n'])
    const failed = await database.copyIn('items', ['3\tundone\n', 'bad\tx\n']).catch((error) => error.code)
    const text = await new Response(database.copyOut('items')).text()
    const reader = database.copyOut(sql`select repeat('x', 100) from generate_series(1, 100000)`).getReader()
    await reader.read()
    await reader.cancel()
    const missing = await new Response(database.copyOut('nowhere')).text().catch((error) => error.code)
    expect({ failed, missing, text, names: await names(database) }).toEqual({
      failed: '22P02',
      missing: '42P01',
      text: '1\tkept\n2\tcopied\n',
      names: ['kept', 'copied'],
    })
  })

  test('has its hooks called, also behind a reset, and its connect published', async () => {
    const { start } = channels.connect
    const heard: (string | undefined)[] = []
    const note = (message: unknown) => void heard.push((message as { pool?: string }).pool)
    start.subscribe(note)
    await using database = open({
      onConnect: ({ db }) => db.execute(sql`set application_name = 'rollback hooked'`),
    })
    const seen = async () =>
      (await database.db.execute(sql`select current_setting('application_name') as name`))[0]?.name
    const first = await seen()
    await database.use(({ db }) => db.execute(sql`set timezone to 'Asia/Tokyo'`))
    const second = await seen()
    start.unsubscribe(note)
    expect({ first, second, heard }).toEqual({
      first: 'rollback hooked',
      second: 'rollback hooked',
      heard: ['rollback'],
    })
  })

  test.each([
    [
      'isolation level serializable',
      (database: Database<Record<string, never>>) =>
        database.db.transaction(async (tx) => tx.select().from(items), { isolationLevel: 'serializable' }),
    ],
    ['VACUUM', ({ db }: Database<Record<string, never>>) => db.execute(sql`vacuum items`)],
    ['LISTEN', ({ db }: Database<Record<string, never>>) => db.execute(sql`listen news`)],
    [
      'CREATE INDEX CONCURRENTLY',
      ({ db }: Database<Record<string, never>>) => db.execute(sql`create index concurrently on items (name)`),
    ],
  ])('refuses %s by name, and goes on', async (what, attempt) => {
    await using database = open()
    const refusal = await Promise.resolve(attempt(database)).then(
      () => null,
      (error: Error) => error,
    )
    const own = (refusal?.cause ?? refusal) as Error
    expect(own.message.toLowerCase()).toContain(what.split(' ')[0]?.toLowerCase() as string)
    expect(own.message).toContain("can't be had inside a transaction that is rolled back")
    expect(await names(database)).toEqual(['kept'])
  })

  test('names a use of the outer db inside of a transaction, which would wait for itself', async () => {
    await using database = open()
    const nested = database.db.transaction(() => database.db.select().from(items))
    await expect(nested).rejects.toMatchObject({ cause: { code: 'NESTED_CHECKOUT' } })
  })

  test('says that all is undone when its connection is lost, and does not go on in another one', async () => {
    await using database = open()
    const [row] = await database.db.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)
    await outside.db.execute(sql`select pg_terminate_backend(${row?.pid}::int, 5000)`)
    const lost = async () => await database.db.select().from(items)
    await lost().catch(() => {})
    await expect(lost()).rejects.toMatchObject({
      cause: { message: expect.stringContaining('has ended with its connection') },
    })
  })

  test('takes no replicas', () => {
    expect(() => createRollbackDatabase({ name: 'rollback', url: postgres.adminUrl, replicas: {} })).toThrow(
      'Option replicas',
    )
  })
})
