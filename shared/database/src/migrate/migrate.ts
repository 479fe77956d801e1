import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseError } from '@shared/pool'
import { sql } from 'drizzle-orm'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator'
import { npmVersion } from 'drizzle-orm/version'
import { migrationChannel, migrationLockKey, plansLockKey } from '../connection/migration-signal.ts'
import { createDatabase } from '../database.ts'
import type { DrizzleDatabase } from '../drizzle/handle.ts'
import { MigrationError, sqlState } from '../errors.ts'
import { type ConnectionOptions, checkArguments } from '../options.ts'

export interface MigrateOptions {
  /** The migrator role's URL: the runtime role must not be able to do this. */
  url: string
  /**
   * drizzle-kit's output folder, in the format of the installed drizzle-orm: with `meta/_journal.json` for 0.45, with a
   * folder for each migration for 1.0 (`drizzle-kit up` turns the first into the second).
   */
  migrationsFolder: string
  /** How the migrator connects; only its TLS and connect timeout matter here. */
  connection?: Partial<ConnectionOptions>
  /** Longest time in ms to wait for another process that migrates; 0: not at all, Infinity: for ever. Default 30 000. */
  lockTimeoutMs?: number
}

const migrationsSchema = 'drizzle'
const migrationsTable = '__drizzle_migrations'
const lockPollMs = 50
const plansPollMs = 10
// A service that does not answer for so long is stuck, and a migration must not be.
const longestNoticeMs = 10_000

/**
 * Brings a database to the state of a migrations folder, and checks that it got there: under an advisory lock, because
 * drizzle's migrate() has none (drizzle-orm issue 874), and by comparing journals, because it skips a migration that is
 * older than the newest applied one without a word.
 *
 * @returns How many migrations were applied now and how many there are.
 * @throws {MigrationError} naming the migration or the step, with the server's error as `cause`; {@link ConnectError}.
 */
export async function migrate(options: MigrateOptions): Promise<{ applied: number; total: number }> {
  const { url, migrationsFolder, lockTimeoutMs = 30_000 } = options
  checkArguments('migrate', { lockTimeoutMs })
  const migrations = readFolder(migrationsFolder)
  const database = createDatabase({
    name: 'migrate',
    url,
    pool: { poolSize: 1, maxOverflow: 0, resetOnCheckin: 'rollback' },
    connection: { ...options.connection, prepare: false, definitionsCheckMs: 0 },
  })
  try {
    await database.connect()
    return await database.use(async ({ db }) => {
      await lock(db, lockTimeoutMs)
      const before = await appliedHashes(db)
      const apply = () => applyMigrations(db, { migrationsFolder, migrationsSchema, migrationsTable })
      if (migrations.some(({ hash }) => !before.has(hash))) await announced(db, apply)
      else await apply()
      const after = await appliedHashes(db)
      verify(migrations, after, migrationsFolder)
      return { applied: after.size - before.size, total: migrations.length }
    })
  } catch (error) {
    if (error instanceof DatabaseError) throw error
    const state = sqlState(error)
    throw new MigrationError(
      `Migrating with ${migrationsFolder} failed${state ? ` (${state})` : ''} and was rolled back. See the cause for the statement.`,
      { cause: error },
    )
  } finally {
    await database.close({ timeoutMs: 1_000 })
  }
}

/** The folder's migrations; drizzle-orm 1.0 would take any folder for one without migrations. */
function readFolder(migrationsFolder: string): { hash: string; folderMillis: number }[] {
  let cause: unknown
  try {
    const migrations = readMigrationFiles({ migrationsFolder })
    if (migrations.length > 0 || existsSync(join(migrationsFolder, 'meta/_journal.json'))) return migrations
  } catch (error) {
    cause = error
  }
  throw new MigrationError(
    `${migrationsFolder} is not a migrations folder of drizzle-orm ${npmVersion}: generate the first migration with ` +
      'db:generate, or bring older ones to the format of this version with drizzle-kit up.',
    { cause },
  )
}

/** Polls for the lock instead of waiting in the server, so that a stuck migrator can't hold up every start for ever. */
async function lock(db: DrizzleDatabase<Record<string, never>>, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const [row] = await db.execute<{ locked: boolean }>(
      sql.raw(`select pg_try_advisory_lock(${migrationLockKey}) as locked`),
    )
    if (row?.locked) return
    if (performance.now() > deadline) {
      throw new MigrationError(
        `Another process has been migrating this database for ${timeoutMs} ms. Wait for it or end it, then try again.`,
      )
    }
    await Bun.sleep(lockPollMs * (0.5 + Math.random()))
  }
}

/**
 * Changes definitions so that no connected service stores a wrong value meanwhile: from the announcement until the end they
 * run nothing from plans made before, and it does not begin before nothing does. One that misses the end finds the lock free.
 */
async function announced(
  db: DrizzleDatabase<Record<string, never>>,
  apply: () => Promise<unknown>,
): Promise<void> {
  await db.execute(sql.raw(`select pg_notify('${migrationChannel}', 'begin')`))
  await plansAtRest(db)
  const end = sql.raw(
    `select pg_advisory_unlock(${migrationLockKey}), pg_notify('${migrationChannel}', 'end')`,
  )
  try {
    await apply()
  } finally {
    // On a lost connection the lock is gone too, which says the same; the error of the migration is the one to report.
    await Promise.allSettled([db.execute(end)])
  }
}

/** Waits until no connected service runs anything from a plan: each holds the lock, shared, as long as it may. */
async function plansAtRest(db: DrizzleDatabase<Record<string, never>>): Promise<void> {
  const deadline = performance.now() + longestNoticeMs
  while (performance.now() < deadline) {
    const [row] = await db.execute<{ free: boolean }>(
      sql.raw(`select pg_try_advisory_lock(${plansLockKey}) as free`),
    )
    if (row?.free) {
      await db.execute(sql.raw(`select pg_advisory_unlock(${plansLockKey})`))
      return
    }
    await Bun.sleep(plansPollMs)
  }
}

async function appliedHashes(db: DrizzleDatabase<Record<string, never>>): Promise<Set<string>> {
  const table = `${migrationsSchema}.${migrationsTable}`
  const [row] = await db.execute<{ exists: boolean }>(
    sql.raw(`select to_regclass('${table}') is not null as exists`),
  )
  if (!row?.exists) return new Set()
  const rows = await db.execute<{ hash: string }>(sql.raw(`select hash from ${table}`))
  return new Set(rows.map(({ hash }) => hash))
}

function verify(
  migrations: readonly { hash: string; folderMillis: number }[],
  applied: ReadonlySet<string>,
  folder: string,
): void {
  const missing = migrations.filter(({ hash }) => !applied.has(hash))
  const [first] = missing
  if (!first) return
  throw new MigrationError(
    `${missing.length} of ${migrations.length} migrations in ${folder} were not applied, the first of ` +
      `${new Date(first.folderMillis).toISOString()}: it is older than one that was, or was changed afterwards. ` +
      'Generate it anew with db:generate; never change an applied one.',
  )
}
