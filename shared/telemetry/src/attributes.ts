import type { Attributes } from '@opentelemetry/api'
import { type StatementMessage, sqlState, type TracedOperation } from '@shared/database'

/**
 * Which database an operation is for. `db.namespace` is the database alone: the schema may change with every statement.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/db/postgresql/
 */
export function databaseOf({ database }: TracedOperation): Attributes {
  return { 'db.system.name': 'postgresql', 'db.namespace': database }
}

/** Which server an operation runs on; empty as long as it may be one of several. */
export function serverOf({ host, port }: TracedOperation): Attributes {
  if (host === null) return {}
  return { 'server.address': host, ...(port !== null && { 'server.port': port }) }
}

/**
 * What an operation failed with: `db.response.status_code` is the SQLSTATE, `error.type` that, or the code of the driver or of this
 * layer, or else the error's class. Never its message, which quotes values.
 */
export function failureOf(message: Pick<TracedOperation, 'error' | 'errorCode'>): Attributes {
  const { error, errorCode } = message
  if (error === undefined) return {}
  const state = sqlState(error)
  const type = errorCode ?? (error instanceof Error ? error.constructor.name : '_OTHER')
  return { 'error.type': type, ...(state !== null && { 'db.response.status_code': state }) }
}

/**
 * What a statement does, of which there are few.
 *
 * The conventions would rather have `db.operation.name` from a caller than from a text, but tools group by it; it is that of the
 * first of several statements. `db.collection.name` is left out: a text may name many tables, and the summary has them.
 */
export function operationOf({ summary, operation }: StatementMessage): Attributes {
  return {
    ...(summary !== '' && { 'db.query.summary': summary }),
    ...(operation !== '' && { 'db.operation.name': operation }),
  }
}

const returnsRows: ReadonlySet<string> = new Set(['SELECT', 'VALUES', 'TABLE', 'FETCH', 'SHOW', 'EXPLAIN'])

/** Rows that a statement returned; null where the server's number is that of the rows it changed. */
export function returnedRows(message: {
  readonly operation: string
  readonly rows: number | null
}): number | null {
  return message.rows !== null && returnsRows.has(message.operation) ? message.rows : null
}
