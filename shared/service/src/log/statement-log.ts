import { channels, type StatementMessage } from '@shared/database'
import type { Logger } from './logger.ts'

/**
 * Writes each statement that is over to the log at level debug: its text without constants, its times, wait and run apart. Below that
 * level nothing is subscribed to, and statements cost nothing.
 *
 * @returns Ends it.
 */
export function logStatements(logger: Logger): () => void {
  if (!logger.isLevelEnabled('debug')) return () => undefined
  const { asyncEnd } = channels.statement
  const listener = (message: unknown) => write(logger, message as StatementMessage)
  asyncEnd.subscribe(listener)
  return () => void asyncEnd.unsubscribe(listener)
}

function write(logger: Logger, message: StatementMessage): void {
  const { pool, text, summary, waitMs, durationMs, rows, pid, prepared, inTransaction, errorCode } = message
  logger.debug(
    {
      pool,
      statement: text,
      waitMs: tenths(waitMs),
      durationMs: tenths(durationMs),
      rows,
      pid,
      prepared,
      inTransaction,
      ...(errorCode !== null && { code: errorCode }),
    },
    `query: ${summary}`,
  )
}

const tenths = (ms: number | null): number | null => (ms === null ? null : Math.round(ms * 10) / 10)
