import { asc, eq, sql } from 'drizzle-orm'
import { integer, type PgColumn, type text } from 'drizzle-orm/pg-core'
import { npmVersion } from 'drizzle-orm/version'
import { type ConformanceCase, outcome } from '../case.ts'
import { scratch } from '../schema.ts'

interface ColumnOptions {
  /** The type as the server spells it, where that is not what Drizzle would. */
  readonly type?: string
  /** Statements that must run before the table exists, such as `create type`. */
  readonly before?: string
}

/**
 * A column type taken through everything a handle does with it: written (each value on its own, so that a refused
 * one is compared by its error), read by Drizzle, read raw, read as the server's text, looked for, updated, prepared.
 * The table is named after the case: stock keeps what it prepared for a text for as long as its connections last.
 */
export function columnCase(
  name: string,
  build: () => object,
  values: readonly unknown[],
  { before, type }: ColumnOptions = {},
): ConformanceCase {
  return {
    name,
    run: async (db, { ddl }) => {
      const tableName = `samples of ${name}`.slice(0, 60)
      const table = scratch.table(tableName, {
        id: integer('id').primaryKey(),
        value: build() as ReturnType<typeof text>,
      })
      const value = table.value as unknown as PgColumn
      if (before) await ddl(before)
      await ddl(
        `create table scratch."${tableName}" (id integer primary key, value ${type ?? typeOf(value)})`,
      )

      const written = []
      for (const [id, sample] of values.entries()) {
        written.push(
          await outcome(() =>
            db
              .insert(table)
              .values({ id, value: sample } as never)
              .returning(),
          ),
        )
      }
      const rows = await outcome(() => db.select().from(table).orderBy(asc(table.id)))
      const stored = await db.execute(
        sql`select ${table.id}, ${value}::text as stored, pg_typeof(${value})::text as type from ${table} order by ${table.id}`,
      )
      if (stored.length === 0) throw new Error('The server refused every sample')

      const find = db
        .select({ id: table.id })
        .from(table)
        .where(eq(value, sql.placeholder('sample')))
        .orderBy(asc(table.id))
        .prepare(`find_${value.getSQLType()}`)
      const found = []
      for (const sample of values.filter((each) => each !== undefined)) {
        found.push(
          await outcome(() =>
            db.select({ id: table.id }).from(table).where(eq(value, sample)).orderBy(asc(table.id)),
          ),
        )
        found.push(await outcome(() => find.execute({ sample })))
      }
      const raw = await outcome(db.execute(sql`select * from ${table} order by ${table.id}`))
      const updated = await outcome(() =>
        db
          .update(table)
          .set({ value: values[0] } as never)
          .where(eq(table.id, stored.length - 1))
          .returning({ id: table.id, again: value }),
      )
      return { written, rows, stored, found, raw, updated }
    },
  }
}

/** drizzle-orm 0.45 has an array's dimensions in the type's name, 1.0 beside it. */
function typeOf(column: PgColumn): string {
  const { dimensions = 0 } = column as { dimensions?: number }
  return npmVersion.startsWith('0.') ? column.getSQLType() : column.getSQLType() + '[]'.repeat(dimensions)
}
