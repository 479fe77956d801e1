import type { SqlConnection } from './sql-connection.ts'

/** What `migrate()` notifies and every connected service listens for: `begin`, then `end`. */
export const migrationChannel = 'shared_database_migration'

/** "drizzle" read as a number: every version of every service must use the same one. */
export const migrationLockKey = '28274085577124965'

/**
 * The lock that every connected service holds, shared, while it may run statements from plans. `migrate()` asks for it alone:
 * it has it as soon as no service does. One more than the other key.
 */
export const plansLockKey = '28274085577124966'

/** Whether somebody holds the lock of `migrate()`. Takes it, shared, for no longer than the question lasts. */
export async function isMigrating(connection: SqlConnection): Promise<boolean> {
  return !(await asked(connection, `pg_try_advisory_xact_lock_shared(${migrationLockKey})`))
}

/** Takes the lock that says that this service may run statements from plans; false while a migration waits for it. */
export function takePlansLock(connection: SqlConnection): Promise<boolean> {
  return asked(connection, `pg_try_advisory_lock_shared(${plansLockKey})`)
}

/** Releases what `takePlansLock` has taken on this connection. */
export async function releasePlansLock(connection: SqlConnection): Promise<void> {
  await asked(connection, `pg_advisory_unlock_shared(${plansLockKey})`)
}

async function asked(connection: SqlConnection, call: string): Promise<boolean> {
  const [row] = (await connection.run(`select ${call} as answer`, [], false)) as unknown as [
    { answer: boolean },
  ]
  return row.answer
}
