import { causes, DatabaseError, MigrationError } from '@shared/database'
import { EnvironmentError } from '@shared/env'
import { showHidden } from '@shared/monitor/plain-text'
import { LocalPostgresError, ProvisionError } from '@shared/postgres'
import { CommandError } from './errors.ts'

/** What to print for an error, and the exit code: our own errors as a message, any other with its stack. */
export function explainError(error: unknown): { message: string; exitCode: number } {
  const { message, exitCode } = explain(error)
  // A server's text may be in it. Its lines are ours.
  return { message: message.split('\n').map(showHidden).join('\n'), exitCode }
}

function explain(error: unknown): { message: string; exitCode: number } {
  if (error instanceof EnvironmentError) return { message: error.report, exitCode: error.exitCode }
  if (error instanceof CommandError) return { message: error.message, exitCode: error.exitCode }
  if (error instanceof MigrationError) return { message: withCauses(error), exitCode: 1 }
  if (
    error instanceof DatabaseError ||
    error instanceof LocalPostgresError ||
    error instanceof ProvisionError
  ) {
    return { message: error.message, exitCode: 1 }
  }
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error), exitCode: 1 }
}

/** A migration's statements are in the repository anyway, so what the server said about them may be shown. */
function withCauses(error: MigrationError): string {
  return [...causes(error)].map(({ message }) => message).join('\n  ')
}
