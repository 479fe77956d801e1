import { sql } from 'drizzle-orm'
import { migrationLockKey } from '../connection/migration-signal.ts'
import type { DrizzleDatabase, NoModel } from '../drizzle/handle.ts'
import { MigrationError } from '../errors.ts'
import type { ConnectionOptions } from '../options.ts'
import { compareDefinitions, type Difference, readDefinitions } from './definitions.ts'
import { readFolder } from './folder.ts'
import { journalTable } from './journal.ts'
import { openMigrator } from './migrator.ts'
import { readRecorded } from './status.ts'

export interface BaselineOptions {
  /** The migrator role's URL. */
  url: string
  migrationsFolder: string
  connection?: Partial<ConnectionOptions>
  /** How many migrations, from the first, the tables already are the result of. Default 1. */
  count?: number
  /** Only compares, and records nothing. Default false. */
  dryRun?: boolean
}

/** What came of it: nothing is recorded where the tables differ. */
export interface BaselineResult {
  /** The names of the migrations that were recorded, or would be. */
  readonly recorded: readonly string[]
  readonly differences: readonly Difference[]
}

/** Ends a transaction that was only there to look. */
class Undo extends Error {}

const scratch = 'drizzle_baseline'

/**
 * Records the first migrations as applied in a database whose tables exist already, after comparing the tables with what these
 * migrations make: the server makes it in a schema of its own, in a transaction that is undone. Tables beyond them stay and
 * do not count.
 *
 * @throws {MigrationError} The database has recorded migrations already, or the folder has fewer. What the server throws.
 */
export async function baseline(options: BaselineOptions): Promise<BaselineResult> {
  const { migrationsFolder, count = 1, dryRun = false } = options
  const migrations = readFolder(migrationsFolder).slice(0, count)
  if (count < 1 || migrations.length < count)
    throw new MigrationError(`${migrationsFolder} has no ${count} migrations: it has ${migrations.length}.`)
  const database = openMigrator(options)
  try {
    await database.connect()
    return await database.use(async ({ db }) => {
      await db.execute(sql.raw(`select pg_advisory_lock(${migrationLockKey})`))
      const before = await readRecorded(db)
      if (before.size > 0)
        throw new MigrationError(
          `The database has recorded ${before.size} migrations already: db:status shows them, db:migrate applies the others.`,
        )
      const expected = await whatTheyMake(
        db,
        migrations.flatMap(({ sql: statements }) => statements),
      )
      const differences = compareDefinitions(expected, await readDefinitions(db, 'public'))
      const recorded = migrations.map(({ name }) => name)
      if (differences.length > 0) return { recorded: [], differences }
      if (!dryRun)
        await db.transaction(async (tx) => void (await tx.execute(sql.raw(recordText(migrations)))))
      return { recorded, differences }
    })
  } finally {
    await database.close({ timeoutMs: 1_000 })
  }
}

/** The definitions that statements make of an empty schema; drizzle-kit writes no other schema than `public`, and quotes it. */
async function whatTheyMake(db: DrizzleDatabase<NoModel>, statements: readonly string[]) {
  let made: Awaited<ReturnType<typeof readDefinitions>> = []
  try {
    await db.transaction(async (tx) => {
      await tx.execute(sql.raw(`create schema ${scratch}`))
      await tx.execute(sql.raw(`set local search_path = ${scratch}`))
      for (const statement of statements)
        await tx.execute(sql.raw(statement.replaceAll('"public".', `"${scratch}".`)))
      // As for the tables themselves: names of types and functions are then written without a schema, or with their own.
      await tx.execute(sql.raw('set local search_path = pg_catalog'))
      made = await readDefinitions(tx, scratch)
      throw new Undo()
    })
  } catch (error) {
    if (!(error instanceof Undo)) throw error
  }
  return made
}

/** The table as drizzle-orm makes it. */
function recordText(migrations: readonly { hash: string; folderMillis: number }[]): string {
  const { schema, table } = journalTable
  const rows = migrations.map(({ hash, folderMillis }) => `('${hash}', ${folderMillis})`)
  return `create schema if not exists ${schema};
    create table if not exists ${schema}.${table} (id serial primary key, hash text not null, created_at bigint);
    insert into ${schema}.${table} (hash, created_at) values ${rows.join(', ')}`
}
