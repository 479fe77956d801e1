import { ConnectError, DatabaseError, type Deadline } from '@shared/pool'

/** The stable codes of this layer's errors. */
export type DatabaseErrorCode =
  | 'CONFIGURATION'
  | 'CONNECT_FAILED'
  | 'CHECKOUT_TIMEOUT'
  | 'CHECKOUT_ABORTED'
  | 'NESTED_CHECKOUT'
  | 'POOL_SATURATED'
  | 'POOL_CLOSED'
  | 'CONNECTION_LOST'
  | 'LEASE_ENDED'
  | 'STATEMENT_TIMEOUT'
  | 'WORK_ABORTED'
  | 'MIGRATION'
  | 'POOLER_MODE'
  | 'STREAM_IDLE'

/**
 * What is known of the work whose connection was lost: `not-sent`, nothing reached the server; `rolled-back`, it ran in
 * a transaction that can't have committed; `unknown`, it may have taken effect.
 */
export type LostOutcome = 'not-sent' | 'rolled-back' | 'unknown'

/**
 * The answer to a statement is lost to its caller: the connection was lost, or COMMIT was not answered in time. `outcome`
 * says whether repeating it is safe.
 */
export class ConnectionLostError extends DatabaseError {
  readonly code = 'CONNECTION_LOST'
  readonly outcome: LostOutcome

  constructor(
    outcome: LostOutcome,
    options: { cause?: unknown; deadline?: Deadline | null; message?: string } = {},
  ) {
    super(options.message ?? lostMessages[outcome], options)
    this.outcome = outcome
  }
}

const lostMessages: Record<LostOutcome, string> = {
  'not-sent':
    'The connection was lost before the statement was sent. Nothing took effect: repeating it is safe.',
  'rolled-back':
    'The connection was lost inside a transaction. The server rolled it back: repeating the whole transaction is safe.',
  unknown:
    'The connection was lost while the statement was running. It may have taken effect: check before repeating it.',
}

/** A handle was used after the lease behind it had ended. */
export class LeaseEndedError extends DatabaseError {
  readonly code = 'LEASE_ENDED'

  constructor() {
    super(
      'This connection was given back already. Await every statement inside the callback of use() or transaction(), and keep no handle from it.',
    )
  }
}

/** Migrations could not be applied, or the database's journal and the folder's disagree. */
export class MigrationError extends DatabaseError {
  readonly code = 'MIGRATION'
}

/** A pooler stands before the server that does not do what is asked, or was not shown to. */
export class PoolerModeError extends DatabaseError {
  readonly code = 'POOLER_MODE'
}

/** The other side of a stream or a COPY did nothing for `idleTimeoutMs`: it was given up, and its connection came back. */
export class StreamIdleError extends DatabaseError {
  readonly code = 'STREAM_IDLE'
  readonly idleTimeoutMs: number

  constructor(idleTimeoutMs: number) {
    super(
      `Nobody read from the stream, or wrote to it, for ${Math.round(idleTimeoutMs)} ms: it was given up, as it holds a connection. ` +
        'End a loop by break, do slow work on what was collected, or set idleTimeoutMs.',
    )
    this.idleTimeoutMs = idleTimeoutMs
  }
}

/** The error of this layer in a chain of causes (Drizzle wraps what a statement throws), or null. */
export function findDatabaseError(
  error: unknown,
): (DatabaseError & { readonly code: DatabaseErrorCode }) | null {
  for (const link of causes(error))
    if (link instanceof DatabaseError) return link as DatabaseError & { readonly code: DatabaseErrorCode }
  return null
}

/** The SQLSTATE in a chain of causes ('23505', '42501' …), or null where the server said nothing. */
export function sqlState(error: unknown): string | null {
  for (const link of causes(error)) {
    if (link instanceof ConnectError && link.sqlState) return link.sqlState
    const state = serverState(link)
    if (state) return state
  }
  return null
}

/**
 * The SQLSTATE of an error that a server has sent, causes left aside; null for every other error.
 *
 * By the fields of the protocol's ErrorResponse: a code of five characters, which EPIPE has too, with a severity. A pooler may
 * send the localized severity alone.
 */
export function serverState(error: unknown): string | null {
  const { code, severity, severity_local } = (error ?? {}) as Record<string, unknown>
  const isOfServer = severity !== undefined || severity_local !== undefined
  return isOfServer && typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null
}

/** An error and its causes, outermost first; a cycle ends the walk. */
export function* causes(error: unknown): Generator<Error> {
  const seen = new Set<unknown>()
  let link = error
  while (link instanceof Error && !seen.has(link)) {
    seen.add(link)
    yield link
    link = link.cause
  }
}

/** The most telling code of an error: the server's, else the driver's, else this layer's. */
export function errorCode(error: unknown): string | null {
  const state = sqlState(error)
  if (state) return state
  let code: string | null = null
  for (const link of causes(error)) {
    const driverCode = link instanceof ConnectError ? link.driverCode : null
    const own: unknown = driverCode ?? (link as { code?: unknown }).code
    if (typeof own === 'string' && (code === null || !(link instanceof DatabaseError))) code = own
  }
  return code
}
