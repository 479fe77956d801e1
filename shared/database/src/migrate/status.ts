import { sql } from 'drizzle-orm'
import type { DrizzleDatabase, NoModel } from '../drizzle/handle.ts'
import type { ConnectionOptions } from '../options.ts'
import { readFolder } from './folder.ts'
import { journalTable } from './journal.ts'
import { openMigrator } from './migrator.ts'

/**
 * `applied`; `pending`; `drifted`: applied, but its file was changed afterwards; `skipped`: not applied though a newer one was,
 * so that drizzle-orm never will.
 */
export type MigrationState = 'applied' | 'pending' | 'drifted' | 'skipped'

/** A migrations folder compared with a database. */
export interface MigrationStatus {
  /** The oldest first. */
  migrations: { name: string; state: MigrationState }[]
  /** How many the database has that the folder has not: those of a newer version, or of another folder. */
  foreign: number
}

/**
 * Compares a migrations folder with what a database has recorded, by time and by hash; changes nothing.
 *
 * @throws {MigrationError} The folder is none. {@link ConnectError}; the server's error, 42501 for a role that may not read.
 */
export async function migrationStatus(options: {
  url: string
  migrationsFolder: string
  connection?: Partial<ConnectionOptions>
}): Promise<MigrationStatus> {
  const folder = readFolder(options.migrationsFolder)
  const database = openMigrator(options)
  try {
    await database.connect()
    const recorded = await database.use(({ db }) => readRecorded(db))
    const newest = Math.max(Number.NEGATIVE_INFINITY, ...recorded.keys())
    const states = folder.map(({ name, folderMillis, hash }) => {
      const known = recorded.get(folderMillis)
      if (known !== undefined)
        return { name, state: known === hash ? ('applied' as const) : ('drifted' as const) }
      return { name, state: folderMillis < newest ? ('skipped' as const) : ('pending' as const) }
    })
    const own = new Set(folder.map(({ folderMillis }) => folderMillis))
    return { migrations: states, foreign: [...recorded.keys()].filter((at) => !own.has(at)).length }
  } finally {
    await database.close({ timeoutMs: 1_000 })
  }
}

/** The hash of each recorded migration by the time of its generation. */
export async function readRecorded(
  db: Pick<DrizzleDatabase<NoModel>, 'execute'>,
): Promise<Map<number, string>> {
  const table = `${journalTable.schema}.${journalTable.table}`
  const [row] = await db.execute<{ exists: boolean }>(
    sql.raw(`select to_regclass('${table}') is not null as exists`),
  )
  if (!row?.exists) return new Map()
  const rows = await db.execute<{ at: number; hash: string }>(
    sql.raw(`select created_at::float8 as at, hash from ${table} order by created_at`),
  )
  return new Map(rows.map(({ at, hash }) => [at, hash]))
}
