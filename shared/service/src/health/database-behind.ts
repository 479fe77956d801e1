import { sqlState } from '@shared/database'
import type { MigrationCheck } from '@shared/monitor'
import { Problem } from '../problem/problem.ts'

const retryAfterSeconds = 5

/** What {@link databaseBehind} goes by. */
export interface BehindOptions {
  readonly service: string
  /** Default: no database is ever behind. */
  readonly migrations?: MigrationCheck
  /** Whether the schema may have edits that no migration has yet, as it has in development. Default false. */
  readonly schemaMayBeEdited?: boolean
}

/**
 * The problem for a statement that the server refused because a migration is pending, or in development still to be generated:
 * 503 `database-behind`, as a migration is all that is missing. Null for any other error. The database is asked, since it may
 * have been current before.
 */
export async function databaseBehind(
  error: unknown,
  { service, migrations, schemaMayBeEdited = false }: BehindOptions,
): Promise<Problem | null> {
  const state = sqlState(error)
  if (migrations === undefined || !missesDefinition(state)) return null
  if ((await migrations.recheck()).state === 'behind')
    return behind(error, 'The database is not up to date yet. Try again shortly.')
  if (!schemaMayBeEdited || !missesTableOrColumn(state)) return null
  return behind(
    error,
    `The database has no such table or column. After an edit of the schema: bun run db:generate ${service}, then bun run db:migrate ${service}.`,
  )
}

function behind(cause: unknown, detail: string): Problem {
  return new Problem({
    status: 503,
    code: 'database-behind',
    detail,
    headers: { 'Retry-After': String(retryAfterSeconds) },
    cause,
  })
}

/** Class 42 (no such table, column, type, function …) without the privilege, and no such schema. */
function missesDefinition(state: string | null): boolean {
  return state !== null && /^(?:42|3F)/.test(state) && state !== '42501'
}

function missesTableOrColumn(state: string | null): boolean {
  return state === '42P01' || state === '42703'
}
