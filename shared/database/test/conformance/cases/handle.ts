import { asc, eq, sql } from 'drizzle-orm'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import type { Sql } from 'postgres'
import { type ConformanceCase, failure } from '../case.ts'
import { accounts, groups, people } from '../schema.ts'
import { drizzleOver, variant } from '../variant.ts'

const migration = {
  migrationsFolder: variant.migrationsFolder,
  migrationsSchema: 'scratch',
  migrationsTable: 'journal',
}
const journal = 'select id, hash, created_at from scratch.journal order by id'

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
  ...variant.handleCases,
  {
    name: 'a second Drizzle over $client works the same',
    run: async (db) => {
      const other = drizzleOver(db.$client)
      return [
        await other.select().from(people).orderBy(asc(people.id)),
        await variant.ask.groups(other),
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
      const logged = drizzleOver(db.$client, { logger })
      await logged.select({ id: people.id }).from(people).where(eq(people.name, 'Ada'))
      await logged.execute(sql`select ${1}::int, ${null}::text`)
      await failure(logged.execute(sql`select 1/0`))
      await logged
        .select()
        .from(groups)
        .where(eq(groups.id, sql.placeholder('id')))
        .prepare('logged')
        .execute({ id: 5 })
      await variant.ask.firstGroup(logged)
      return lines
    },
  },
  {
    name: 'a logger sees the queries of a transaction',
    run: async (db) => {
      const { lines, logger } = collectLog()
      await drizzleOver(db.$client, { logger }).transaction(async (tx) => {
        await tx.insert(groups).values({ name: 'logged' })
        await tx.transaction((nested) => nested.select().from(groups).where(eq(groups.name, 'logged')))
      })
      return lines
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
      await variant.ask.groups(db),
      await db.selectDistinct({ owner: accounts.owner }).from(accounts).orderBy(accounts.owner),
      await db
        .with(db.$with('w').as(db.select({ id: groups.id }).from(groups)))
        .select({ n: sql`(select count(*)::int from w)` })
        .from(groups)
        .limit(1),
    ],
  },
]
