import { join } from 'node:path'
import { eq, is } from 'drizzle-orm'
import { PgDatabase, PgTransaction } from 'drizzle-orm/pg-core'
import { drizzle, PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type { Sql } from 'postgres'
import type { ConformanceCase, Handle } from '../case.ts'
import { people, scratch } from '../schema.ts'
import type { Variant } from '../variant.ts'
import { dimensionCases } from './dimensions.ts'
import { schema } from './model.ts'
import { relationalCases } from './relational.ts'

type Relational = PostgresJsDatabase<typeof schema>
const queryOf = (db: Handle) => (db as unknown as Relational).query

const handleCases: ConformanceCase[] = [
  {
    name: 'the handle is the class Drizzle gives and has its parts',
    run: async (db) => ({
      postgresJs: db instanceof PostgresJsDatabase,
      pg: is(db, PgDatabase),
      client: db.$client !== null && ['object', 'function'].includes(typeof db.$client),
      keys: Object.keys(db).sort(),
      tables: Object.keys(db.query),
      schemaTables: Object.keys((db as unknown as Relational)._.schema ?? {}),
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
    name: 'casing snake_case names columns alike',
    run: async (db, { ddl }) => {
      await ddl(`create table scratch.cased (first_name text, last_seen_at timestamptz)`)
      const cased = scratch.table('cased', (t) => ({
        firstName: t.text(),
        lastSeenAt: t.timestamp({ withTimezone: true }),
      }))
      const snake = drizzle({ client: db.$client as Sql, casing: 'snake_case' })
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
    name: 'the option casing names columns that have no name of their own, in every kind of statement',
    run: async (_db, { open, ddl }) => {
      await ddl(
        `create table scratch.cased (first_name text primary key, last_seen_at timestamptz, "Own" int)`,
      )
      const cased = scratch.table('cased', (t) => ({
        firstName: t.text().primaryKey(),
        lastSeenAt: t.timestamp({ withTimezone: true }),
        own: t.integer('Own'),
      }))
      const row = { firstName: 'a', lastSeenAt: new Date(0), own: 1 }
      const inSnakeCase = await open({ drizzle: { casing: 'snake_case' } }, async (db) => [
        await db.insert(cased).values(row).returning(),
        await db
          .insert(cased)
          .values(row)
          .onConflictDoUpdate({ target: cased.firstName, set: { own: 2 } })
          .returning({ firstName: cased.firstName, own: cased.own }),
        await db.update(cased).set({ lastSeenAt: null }).where(eq(cased.firstName, 'a')),
        await db.select().from(cased).where(eq(cased.firstName, 'a')).orderBy(cased.lastSeenAt),
        await db
          .select({ seen: cased.lastSeenAt })
          .from(cased)
          .leftJoin(people, eq(people.name, cased.firstName)),
        await db.transaction((tx) => tx.select().from(cased)),
        db.select().from(cased).where(eq(cased.firstName, 'a')).toSQL(),
      ])
      const inCamelCase = await open({ drizzle: { casing: 'camelCase' } }, async (db) =>
        db.insert(cased).values(row).toSQL(),
      )
      return [inSnakeCase, inCamelCase]
    },
  },
]

export const variant: Variant = {
  model: { schema },
  migrationsFolder: join(import.meta.dir, 'migrations'),
  relationalCases,
  dimensionCases,
  handleCases,
  codecCases: [
    'documents are stored as what they are, not as strings of JSON',
    'every common type in a raw row is parsed by the driver as stock does',
  ],
  ask: {
    groups: (db) => queryOf(db).groups.findMany({ orderBy: (t, { asc }) => asc(t.id) }),
    firstGroup: (db) => queryOf(db).groups.findFirst(),
    nameAndPosts: (db, id) =>
      queryOf(db).people.findFirst({
        where: eq(people.id, id),
        columns: { name: true },
        with: { posts: true },
      }),
  },
}
