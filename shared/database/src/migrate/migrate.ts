import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseError } from '@shared/pool'
import { sql } from 'drizzle-orm'
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator'
import { checkArguments } from '../call-arguments.ts'
import { migrationChannel, migrationLockKey, plansLockKey } from '../connection/migration-signal.ts'
import type { DrizzleDatabase } from '../drizzle/handle.ts'
import { MigrationError, PoolerModeError, sqlState } from '../errors.ts'
import type { ConnectionOptions } from '../options.ts'
import { readFolder } from './folder.ts'
import { journalTable } from './journal.ts'
import { openMigrator } from './migrator.ts'

export interface MigrateOptions {
  /**
   * The migrator role's URL: the runtime role must not be able to do this. With the address of the server itself, or of a
   * pooler in session mode.
   */
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

const { schema: migrationsSchema, table: migrationsTable } = journalTable
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
 * @throws {MigrationError} naming the migration or the step, with the server's error as `cause`; {@link ConnectError};
 *   {@link PoolerModeError} when the URL leads through a pooler that does not keep the session.
 */
export async function migrate(options: MigrateOptions): Promise<{ applied: number; total: number }> {
  const { url, migrationsFolder, lockTimeoutMs = 30_000 } = options
  checkArguments('migrate', { lockTimeoutMs })
  const migrations = readFolder(migrationsFolder)
  const database = openMigrator({ url, connection: options.connection })
  try {
    await database.connect()
    return await database.use(async ({ db, keepsSession }) => {
      await requireSession(keepsSession)
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

/** The lock belongs to a session: a pooler that gives the session to others would leave it with them, and take it for theirs. */
async function requireSession(keepsSession: () => Promise<boolean>): Promise<void> {
  let cause: unknown
  try {
    if (await keepsSession()) return
  } catch (error) {
    cause = error
  }
  const finding = cause
    ? 'and whether it keeps a session for its client could not be found out (see the cause)'
    : 'that gives the session to others between two transactions (pool_mode = transaction)'
  throw new PoolerModeError(
    `The database URL leads through a pooler ${finding}: a migration holds a lock and settings of its session. Give the ` +
      "address of the server itself (url of migrate(), DATABASE_DIRECT_URL of db:migrate), or have the pooler keep the migrator's " +
      'sessions (pool_mode = session).',
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
    await sleep(lockPollMs * (0.5 + Math.random()))
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
    await sleep(plansPollMs)
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
