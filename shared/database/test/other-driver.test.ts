import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { Glob } from 'bun'
import { eq, sql } from 'drizzle-orm'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { composeDatabase } from '../src/database.ts'
import { type Database, sqlState } from '../src/index.ts'
import { createBunSource } from './bun-source.ts'
import { observed } from './support.ts'

const items = pgTable('items', { id: integer().primaryKey(), name: text().notNull() })

describe('over another driver', () => {
  let place: TestDatabase
  let database: Database<{ items: typeof items }>

  beforeAll(async () => {
    place = await withDatabase()
    database = composeDatabase(
      {
        name: 'other',
        url: place.adminUrl,
        schema: { items },
        pool: { poolSize: 2, maxOverflow: 1 },
        connection: { stallAfterMs: 0, definitionsCheckMs: 0 },
      },
      createBunSource,
    )
    await database.db.execute(sql`create table items (id integer primary key, name text not null)`)
  })

  afterAll(async () => {
    await database.close()
    await place.drop()
  })

  test('the pool opens, keeps and reuses connections', async () => {
    await Promise.all(Array.from({ length: 20 }, () => database.db.execute(sql`select pg_sleep(0.01)`)))
    // A third one may still be on its way, for nobody any more: it is closed when it comes.
    await eventually(() => {
      const { total, idle, checkedOut, waiting } = database.status()
      expect({ total, idle, checkedOut, waiting }).toEqual({ total: 2, idle: 2, checkedOut: 0, waiting: 0 })
    })
  })

  test('Drizzle inserts and selects', async () => {
    await database.db.insert(items).values([
      { id: 1, name: 'one' },
      { id: 2, name: 'two' },
    ])
    expect(await database.db.select().from(items).where(eq(items.id, 2))).toEqual([{ id: 2, name: 'two' }])
    expect(await database.db.query.items.findMany({ orderBy: items.id })).toHaveLength(2)
  })

  test('a transaction commits, a failed one rolls back, and a savepoint undoes its own part', async () => {
    await database.db.transaction(async (tx) => {
      await tx.insert(items).values({ id: 10, name: 'kept' })
      await tx
        .transaction(async (inner) => {
          await inner.insert(items).values({ id: 11, name: 'undone' })
          throw new Error('enough')
        })
        .catch(() => {})
    })
    const failed = database.db.transaction(async (tx) => {
      await tx.insert(items).values({ id: 12, name: 'undone' })
      await tx.insert(items).values({ id: 12, name: 'twice' })
    })
    expect(sqlState(await failed.catch((error: unknown) => error))).toBe('23505')
    const left = await database.db.select({ id: items.id }).from(items).where(sql`id >= 10`)
    expect(left).toEqual([{ id: 10 }])
  })

  test('use() has one connection, and leaves no state behind', async () => {
    const [inside, pid] = await database.use(async ({ db, pid }) => {
      await db.execute(sql`set statement_timeout = 4321`)
      const [row] = await db.execute(
        sql`select pg_backend_pid() as pid, current_setting('statement_timeout') as setting`,
      )
      return [row, pid]
    })
    const [outside] = await database.db.execute(sql`select current_setting('statement_timeout') as setting`)
    expect({ inside, outside }).toEqual({
      inside: { pid, setting: '4321ms' },
      outside: { setting: '0' },
    } as never)
  })

  test('a backend that is gone is replaced, and a question outside the pool is answered', async () => {
    const killed = await database.use(async ({ pid }) => {
      await database.db.execute(sql`select pg_terminate_backend(${pid}, 60000)`)
      return pid
    })
    const pids = await Promise.all([1, 2, 3].map(() => database.use(async ({ pid }) => pid)))
    expect(pids).not.toContain(killed)
    expect(await observed(database)).toBe('answers')
  })
})

test('above the folder of the driver only what composes a database names it', () => {
  const folder = join(import.meta.dir, '../src')
  const namesIt = (file: string) => {
    // A module of Drizzle's has its name too.
    const code = readFileSync(join(folder, file), 'utf8').replaceAll('drizzle-orm/postgres-js', '')
    return /postgres[.-]?js|PostgresError|PostgresSource|porsager|from 'postgres'/i.test(code)
  }
  const above = [...new Glob('**/*.ts').scanSync({ cwd: folder })].filter(
    (file) => !/^connection\/postgres-js\/|^drizzle\/|\.test\.ts$/.test(file),
  )
  expect(above.filter(namesIt).sort()).toEqual(['database.ts', 'testing/rollback-database.ts'])
})
