import type { DatabaseError } from '@shared/database'
import { ConnectError, findDatabaseError } from '@shared/database'
import { errorCode } from '../log/error-code.ts'

/** Why a service does not start, as one line for the operator, and the exit code that goes with it. */
export class StartFailure extends Error {
  readonly exitCode: number

  constructor(message: string, options: { exitCode: number; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.name = 'StartFailure'
    this.exitCode = options.exitCode
  }
}

const usage = 78 // EX_CONFIG of sysexits(3)

/**
 * The failure for a connection that was refused permanently (wrong password, no such database, no privilege on it, an
 * untrusted certificate), or null when trying again may help.
 */
export function permanentRefusal(error: unknown): StartFailure | null {
  const own = findDatabaseError(error)
  if (own?.code === 'CONFIGURATION') return misconfigured(own)
  if (!(own instanceof ConnectError) || own.retryable) return null
  return new StartFailure(own.message, { exitCode: 1, cause: error })
}

/** The failure for an option the connection layer does not accept. */
export function misconfigured(error: DatabaseError): StartFailure {
  return new StartFailure(error.message, { exitCode: usage, cause: error })
}

/** The failure for a port that could not be opened; rethrows an error that has another reason. */
export function portFailure(error: unknown, host: string, port: number): StartFailure {
  const reason = portReasons[errorCode(error) ?? '']
  if (reason === undefined) throw error
  return new StartFailure(reason(host, port), { exitCode: 1, cause: error })
}

const portReasons: Record<string, (host: string, port: number) => string> = {
  EADDRINUSE: (_host, port) =>
    `port ${port} is already in use: stop what listens there, or set PORT to a free one`,
  EACCES: (_host, port) =>
    `port ${port} needs more privileges than this process has: set PORT to 1024 or above`,
  EADDRNOTAVAIL: (host) => `this machine has no address ${host}: set HOST to one it has, or to 0.0.0.0`,
}
