import { ConfigurationError } from '@shared/pool'
import type { SQL, SQLWrapper } from 'drizzle-orm'
import type { DrizzleDatabase, DrizzleModel } from './handle.ts'

/** A query builder of Drizzle's that was not awaited, or SQL. */
export type StreamedQuery = PromiseLike<readonly unknown[]> | SQLWrapper

/** What a row of the query is: as `await query` gives it. */
export type StreamedRow<Q> =
  Q extends PromiseLike<infer R>
    ? R extends readonly (infer Row)[]
      ? Row
      : never
    : Q extends SQL<infer T>
      ? unknown extends T
        ? Record<string, unknown>
        : T
      : Record<string, unknown>

/** What Drizzle's builders have inside, with 0.45 and 1.0 alike: a test looks for it. */
interface Builder {
  readonly session: unknown
  _prepare(): { execute(): PromiseLike<unknown> }
}

/**
 * Makes of a query what runs it on another handle, with the same rows as on its own; the query itself stays as it is.
 *
 * @throws {ConfigurationError} for what is neither a builder nor SQL.
 */
export function onHandle<TModel extends DrizzleModel>(
  query: StreamedQuery,
  handle: DrizzleDatabase<TModel>,
): () => PromiseLike<unknown> {
  if (isBuilder(query)) {
    const { session } = (handle as unknown as { _: { session: unknown } })._
    const bound: Builder = Object.create(query, { session: { value: session } })
    return () => bound._prepare().execute()
  }
  if (isSql(query)) return () => handle.execute(query.getSQL())
  throw new ConfigurationError(
    'A query must be a builder of Drizzle that was not awaited (database.db.select()…) or sql`…`; a prepared one can not be taken.',
  )
}

function isBuilder(query: object): query is Builder {
  return (
    typeof query === 'object' &&
    'session' in query &&
    '_prepare' in query &&
    typeof query._prepare === 'function'
  )
}

export function isSql(query: object): query is SQLWrapper {
  return typeof query === 'object' && 'getSQL' in query && typeof query.getSQL === 'function'
}
