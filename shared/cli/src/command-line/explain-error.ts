import { DatabaseError, MigrationError } from '@shared/database'
import { EnvironmentError } from '@shared/env'
import { LocalPostgresError, ProvisionError } from '@shared/postgres'
import { CommandError } from './errors.ts'

/** What to print for an error, and the exit code: our own errors as a message, any other with its stack. */
export function explainError(error: unknown): { message: string; exitCode: number } {
  if (error instanceof EnvironmentError) return { message: error.report, exitCode: error.exitCode }
  if (error instanceof CommandError) return { message: error.message, exitCode: error.exitCode }
  if (error instanceof MigrationError)
    return { message: [error.message, ...causes(error)].join('\n  '), exitCode: 1 }
  if (
    error instanceof DatabaseError ||
    error instanceof LocalPostgresError ||
    error instanceof ProvisionError
  ) {
    return { message: error.message, exitCode: 1 }
  }
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error), exitCode: 1 }
}

/** A migration's statements are in the repository anyway, so the server's messages about them may be shown. */
function causes(error: Error): string[] {
  const messages: string[] = []
  for (let link = error.cause; link instanceof Error && messages.length < 5; link = link.cause)
    messages.push(link.message)
  return messages
}
