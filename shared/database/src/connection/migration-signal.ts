import type { SqlConnection } from './sql-connection.ts'

/** What `migrate()` notifies and every connected service listens for: `begin`, then `end`. */
export const migrationChannel = 'shared_database_migration'

/** "drizzle" read as a number: every version of every service must use the same one. */
export const migrationLockKey = '28274085577124965'

/** Whether somebody holds the lock of `migrate()`. Takes it, shared, for no longer than the question lasts. */
export async function isMigrating(connection: SqlConnection): Promise<boolean> {
  const text = `select pg_try_advisory_xact_lock_shared(${migrationLockKey}) as free`
  const [row] = (await connection.run(text, [], false)) as unknown as [{ free: boolean }]
  return !row.free
}
