import type { SqlConnection } from '../connection/sql-connection.ts'

/** Where the migrations are recorded that a database has. drizzle-kit's default; provisioning grants the runtime role to read it. */
export const journalTable = { schema: 'drizzle', table: '__drizzle_migrations' } as const

/** The part of drizzle-kit's `meta/_journal.json` that a database is compared with. */
export interface MigrationJournal {
  /** The oldest first. */
  readonly entries: readonly {
    /** The name of its file: `0001_add_stock`. */
    readonly tag: string
    /** Epoch ms of its generation; drizzle-orm records it as `created_at`, and decides by it what to apply. */
    readonly when: number
  }[]
}

/**
 * The migrations of a journal that a database does not have, by the time of their generation, as drizzle-orm compares them.
 * What the database has beyond the journal, as a newer version of the service has applied it, does not count.
 *
 * @throws the server's error: 42501 for a role that may not read the table.
 */
export async function pendingMigrations(
  connection: Pick<SqlConnection, 'run'>,
  { entries }: MigrationJournal,
): Promise<string[]> {
  const name = `${journalTable.schema}.${journalTable.table}`
  const ask = (text: string) => connection.run(text, [], false, { mode: 'unprepared' })
  const [found] = (await ask(`select to_regclass('${name}') is not null as exists`)) as { exists: boolean }[]
  const rows = found?.exists ? await ask(`select created_at::float8 as at from ${name}`) : []
  const applied = new Set((rows as { at: number | null }[]).map(({ at }) => at))
  return entries.filter(({ when }) => !applied.has(when)).map(({ tag }) => tag)
}
