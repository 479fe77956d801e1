import { join } from 'node:path'
import { eq, is, sql } from 'drizzle-orm'
import { PgAsyncDatabase, PgAsyncTransaction, snakeCase } from 'drizzle-orm/pg-core'
import { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type { ConformanceCase, Handle } from '../case.ts'
import { groups } from '../schema.ts'
import type { Variant } from '../variant.ts'
import { dimensionCases } from './dimensions.ts'
import { relations } from './model.ts'
import { relationalCases } from './relational.ts'

type Relational = PostgresJsDatabase<typeof relations>
const queryOf = (db: Handle) => (db as unknown as Relational).query

const handleCases: ConformanceCase[] = [
  {
    name: 'the handle is the class Drizzle gives and has its parts',
    run: async (db) => ({
      postgresJs: db instanceof PostgresJsDatabase,
      pg: is(db, PgAsyncDatabase),
      client: db.$client !== null && ['object', 'function'].includes(typeof db.$client),
      keys: Object.keys(db).sort(),
      tables: Object.keys(db.query),
      relations: Object.keys((db as unknown as Relational)._.relations),
      cache: String(db.$cache),
    }),
  },
  {
    name: 'a transaction’s handle is the class Drizzle gives',
    run: (db) =>
      db.transaction(async (tx) => ({
        transaction: is(tx, PgAsyncTransaction),
        className: tx.constructor.name,
        keys: Object.keys(tx).sort(),
        tables: Object.keys(tx.query),
      })),
  },
  {
    name: 'the option snapshot of a transaction takes over what another one exports',
    severalConnections: true,
    run: (db, { ddl }) =>
      db.transaction(
        async (exporter) => {
          const [exported] = await exporter.execute<{ id: string }>(sql`select pg_export_snapshot() as id`)
          await ddl(`insert into groups (name) values ('later')`)
          const config = { isolationLevel: 'repeatable read', snapshot: exported?.id } as const
          return [await db.transaction((tx) => tx.$count(groups), config), await db.$count(groups)]
        },
        { isolationLevel: 'repeatable read' },
      ),
  },
  {
    name: 'casing snake_case names columns alike',
    run: async (db, { ddl }) => {
      await ddl(`create table scratch.cased (first_name text, last_seen_at timestamptz)`)
      const cased = snakeCase.schema('scratch').table('cased', (t) => ({
        firstName: t.text(),
        lastSeenAt: t.timestamp({ withTimezone: true }),
      }))
      return [
        await db
          .insert(cased)
          .values({ firstName: 'a', lastSeenAt: new Date(0) })
          .returning(),
        await db.select().from(cased).where(eq(cased.firstName, 'a')),
      ]
    },
  },
]

export const variant: Variant = {
  model: { relations },
  migrationsFolder: join(import.meta.dir, 'migrations'),
  relationalCases,
  dimensionCases,
  handleCases,
  codecCases: [
    'timestamp as string is the server’s text',
    'every common type in a raw row is parsed by the driver as stock does',
  ],
  ask: {
    groups: (db) => queryOf(db).groups.findMany({ orderBy: { id: 'asc' } }),
    firstGroup: (db) => queryOf(db).groups.findFirst(),
    nameAndPosts: (db, id) =>
      queryOf(db).people.findFirst({ where: { id }, columns: { name: true }, with: { posts: true } }),
  },
}
