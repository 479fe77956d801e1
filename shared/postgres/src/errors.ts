/** What went wrong with a local server; stable, meant for code. */
export type LocalPostgresErrorCode =
  | 'BINARIES'
  | 'SERVER_USER'
  | 'DATA_FOLDER'
  | 'VERSION_MISMATCH'
  | 'OPTIONS'
  | 'LOCK_TIMEOUT'
  | 'INIT_FAILED'
  | 'START_FAILED'
  | 'PORT_TAKEN'
  | 'PASSWORD'
  | 'STOP_FAILED'
  | 'NO_PRIMARY'
  | 'SEVERAL_PRIMARIES'
  | 'NO_STANDBY'
  | 'NOT_STREAMING'
  | 'PROMOTE_FAILED'
  | 'SWITCHOVER_FAILED'

/** A local PostgreSQL server could not be started, found or stopped; the message says what to do next. */
export class LocalPostgresError extends Error {
  override readonly name = 'LocalPostgresError'
  readonly code: LocalPostgresErrorCode
  /** The last lines of the server's log, oldest first; empty where no server ran. */
  readonly logTail: readonly string[]

  constructor(
    code: LocalPostgresErrorCode,
    message: string,
    options: { cause?: unknown; logTail?: readonly string[] } = {},
  ) {
    const logTail = options.logTail ?? []
    const log =
      logTail.length > 0 ? `\nLast lines of its log:\n${logTail.map((line) => `  ${line}`).join('\n')}` : ''
    super(message + log, { cause: options.cause })
    this.code = code
    this.logTail = logTail
  }
}

/** What stopped the provisioner; stable, meant for code. */
export type ProvisionErrorCode =
  | 'INVALID_INPUT'
  | 'CONNECT_FAILED'
  | 'UNSUPPORTED_SERVER'
  | 'INSUFFICIENT_PRIVILEGE'
  | 'NOT_OURS'
  | 'PASSWORD_UNKNOWN'
  | 'BUSY'
  | 'FAILED'

/**
 * Provisioning stopped: nothing after {@link ProvisionError.step} was done, what existed before is as it was, and running
 * it again completes it.
 */
export class ProvisionError extends Error {
  override readonly name = 'ProvisionError'
  readonly code: ProvisionErrorCode
  /** The step that failed, in words: `create role "auth_app"`. */
  readonly step: string
  /** The server's SQLSTATE or the driver's code, where there is one. */
  readonly sqlState: string | null

  constructor(code: ProvisionErrorCode, step: string, message: string, sqlState: string | null = null) {
    super(`Provisioning failed at "${step}": ${message}`)
    this.code = code
    this.step = step
    this.sqlState = sqlState
  }
}

/** The SQLSTATE or driver code of an error (`42501`, `ECONNREFUSED`), or null. */
export function errorCode(error: unknown): string | null {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return null
}
