import type { DrizzleDatabase, DrizzleModel } from '@shared/database'

/** Every row of every table of the schema `public`, as text. */
export type Tables = ReadonlyMap<string, readonly string[]>

/** Reads all rows of a test's database, in an order that does not depend on how they are stored. */
export async function readTables(db: DrizzleDatabase<DrizzleModel>): Promise<Tables> {
  const names = await db.execute<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
  )
  const tables = new Map<string, string[]>()
  for (const { name } of names) {
    const rows = await db.execute<{ row: string }>(
      `select to_jsonb(t)::text as row from "${name.replaceAll('"', '""')}" t order by 1`,
    )
    tables.set(
      name,
      rows.map(({ row }) => row),
    )
  }
  return tables
}

/** What differs: `products: 1 row gone, 2 new`. */
export function changesOf(before: Tables, after: Tables): { gone: string[]; added: string[] } {
  const all = (tables: Tables) =>
    new Set([...tables].flatMap(([name, rows]) => rows.map((row) => `${name} ${row}`)))
  const [old, now] = [all(before), all(after)]
  const tableNames = (rows: string[]) => rows.map((row) => row.split(' ', 1).join())
  return {
    gone: [
      ...tableNames([...old].filter((row) => !now.has(row))),
      ...[...before.keys()].filter((name) => !after.has(name)),
    ],
    added: tableNames([...now].filter((row) => !old.has(row))),
  }
}
