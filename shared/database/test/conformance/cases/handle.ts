import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { asc, eq, is, sql } from 'drizzle-orm'
import { PgDatabase, PgTransaction } from 'drizzle-orm/pg-core'
import { drizzle, PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import type { Sql } from 'postgres'
import { type ConformanceCase, failure, type Handle } from '../case.ts'
import * as schema from '../schema.ts'

const { accounts, groups, people } = schema
const migrationsFolder = join(dirname(fileURLToPath(import.meta.url)), '../migrations')
const migration = { migrationsFolder, migrationsSchema: 'scratch', migrationsTable: 'journal' }
const journal = 'select id, hash, created_at from scratch.journal order by id'

/** Another Drizzle over the same client, as someone does who wants a logger, a casing or no schema. */
function redress(db: Handle, config: Parameters<typeof drizzle<typeof schema>>[1] = {}) {
  return drizzle(db.$client as Sql, { schema, ...config })
}

function collectLog() {
  const lines: unknown[] = []
  return {
    lines,
    logger: {
      logQuery: (query: string, params: unknown[]) => void lines.push({ query, params: [...params] }),
    },
  }
}

export const handleCases: ConformanceCase[] = [
  {
    name: 'the handle is the class Drizzle gives and has its parts',
    run: async (db) => ({
      postgresJs: db instanceof PostgresJsDatabase,
      pg: is(db, PgDatabase),
      client: db.$client !== null && ['object', 'function'].includes(typeof db.$client),
      keys: Object.keys(db).sort(),
      tables: Object.keys(db.query),
      schemaTables: Object.keys(db._.schema ?? {}),
      cache: String(db.$cache),
    }),
  },
  {
    name: 'a transaction’s handle is the class Drizzle gives',
    run: (db) =>
      db.transaction(async (tx) => ({
        transaction: is(tx, PgTransaction),
        className: tx.constructor.name,
        keys: Object.keys(tx).sort(),
        tables: Object.keys(tx.query),
      })),
  },
  {
    name: 'a second Drizzle over $client works the same',
    run: async (db) => {
      const other = redress(db)
      return [
        await other.select().from(people).orderBy(asc(people.id)),
        await other.query.groups.findMany(),
        await other.transaction((tx) => tx.$count(groups)),
        await db.select().from(people).where(eq(people.id, 1)),
      ]
    },
  },
  {
    name: '$client.unsafe gives rows, values and nothing until awaited',
    run: async (db, { observe }) => {
      const client = db.$client as Sql
      client.unsafe(`insert into groups (name) values ('never')`)
      return [
        await client.unsafe('select 1 as a, 2 as b'),
        await client.unsafe('select $1::int as a', [5]).values(),
        await client.unsafe('select $1::text as a', ['x'], { prepare: true }),
        await failure(client.unsafe('select 1/0')),
        await observe('select count(*)::int as n from groups'),
      ]
    },
  },
  {
    name: '$client.begin commits and rolls back',
    run: async (db, { observe }) => {
      const client = db.$client as Sql
      const committed = await client.begin(async (tx) =>
        tx.unsafe(`insert into groups (name) values ('kept') returning name`),
      )
      const error = await failure(
        client.begin(async (tx) => {
          await tx.unsafe(`insert into groups (name) values ('lost')`)
          throw new Error('undo')
        }),
      )
      return [committed, error, await observe('select name from groups order by id')]
    },
  },
  {
    name: 'a logger sees every query with its parameters',
    run: async (db) => {
      const { lines, logger } = collectLog()
      const logged = redress(db, { logger })
      await logged.select({ id: people.id }).from(people).where(eq(people.name, 'Ada'))
      await logged.execute(sql`select ${1}::int, ${null}::text`)
      await failure(logged.execute(sql`select 1/0`))
      await logged
        .select()
        .from(groups)
        .where(eq(groups.id, sql.placeholder('id')))
        .prepare('logged')
        .execute({ id: 5 })
      await logged.query.groups.findFirst()
      return lines
    },
  },
  {
    name: 'a logger sees the queries of a transaction',
    run: async (db) => {
      const { lines, logger } = collectLog()
      await redress(db, { logger }).transaction(async (tx) => {
        await tx.insert(groups).values({ name: 'logged' })
        await tx.transaction((nested) => nested.select().from(groups).where(eq(groups.name, 'logged')))
      })
      return lines
    },
  },
  {
    name: 'casing snake_case names columns alike',
    run: async (db, { ddl }) => {
      await ddl(`create table scratch.cased (first_name text, last_seen_at timestamptz)`)
      const cased = schema.scratch.table('cased', (t) => ({
        firstName: t.text(),
        lastSeenAt: t.timestamp({ withTimezone: true }),
      }))
      const snake = redress(db, { casing: 'snake_case' })
      return [
        await snake
          .insert(cased)
          .values({ firstName: 'a', lastSeenAt: new Date(0) })
          .returning(),
        await snake.select().from(cased).where(eq(cased.firstName, 'a')),
      ]
    },
  },
  {
    name: 'migrations run once and are recorded',
    run: async (db, { observe }) => {
      await migrate(db, migration)
      const first = await observe(journal)
      await migrate(db, migration)
      return [
        first,
        await observe(journal),
        await observe(
          `select table_name, column_name, data_type from information_schema.columns where table_schema = 'scratch' and table_name <> 'journal' order by 1, 2`,
        ),
        await db.execute(sql`select * from scratch.migrated order by id`),
      ]
    },
  },
  {
    name: 'a migration that fails leaves nothing behind',
    run: async (db, { ddl, observe }) => {
      await ddl('create table scratch.migrated (in_the_way int)')
      return [
        await failure(migrate(db, migration)),
        await observe(journal),
        await observe(`select count(*)::int as n from pg_type where typname = 'shade'`),
      ]
    },
  },
  {
    name: 'one handle is used through every door in turn',
    run: async (db) => [
      await db.$count(accounts),
      await db.select({ id: accounts.id }).from(accounts).orderBy(accounts.id),
      await db.execute(sql`select ${1}::int as one`),
      await db.execute(sql.raw('select 1 as one; select 2 as two')),
      await db.transaction((tx) => tx.$count(accounts)),
      await db.query.groups.findMany({ orderBy: (t) => asc(t.id) }),
      await db.selectDistinct({ owner: accounts.owner }).from(accounts).orderBy(accounts.owner),
      await db
        .with(db.$with('w').as(db.select({ id: groups.id }).from(groups)))
        .select({ n: sql`(select count(*)::int from w)` })
        .from(groups)
        .limit(1),
    ],
  },
]
