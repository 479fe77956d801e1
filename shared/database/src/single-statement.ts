import type { Connection } from './connection.ts'
import type { RunStatement } from './drizzle-client.ts'
import { ConnectionLostError } from './errors.ts'
import type { Rows } from './pipeline.ts'
import type { QueuePool } from './queue-pool.ts'
import type { Slot } from './slot.ts'
import { isPlainRead, isRead, type StatementCatalog } from './statement.ts'
import { guard, type Work } from './work.ts'

export interface SingleStatementOptions {
  pool: QueuePool<Connection>
  catalog: StatementCatalog
  work: Work
  /** A text whose last runs took longer in ms is slow. */
  slowStatementMs: number
  /** Whether a read whose connection was lost is run once more. */
  retryReads: boolean
}

// A statement that was never sent goes to another connection; a server that loses every one at once ends that.
const mostAttempts = 5

interface SingleStatement {
  readonly text: string
  readonly parameters: readonly unknown[]
  /** Rows as arrays instead of objects. */
  readonly values: boolean
  /** Made before this one. */
  readonly attempts: number
}

/**
 * Runs statements that stand alone and leave nothing behind: on shared leases, so that several may be under way on one
 * connection, and again elsewhere where that can't do harm. On a warm connection nothing is awaited before it is sent.
 */
export function createSingleStatements(options: SingleStatementOptions): RunStatement {
  const { pool, catalog, work, slowStatementMs, retryReads } = options

  function share(statement: SingleStatement): Promise<Rows> {
    const context = work.current()
    if (context?.signal?.aborted) return Promise.reject(context.signal.reason)
    const now = performance.now()
    const kind = catalog.info(statement.text).tookMs > slowStatementMs ? 'slow' : 'shared'
    const slot = pool.tryShare(now, kind)
    if (slot) return runOn(slot, now, statement, context?.signal)
    return pool
      .share(context, kind)
      .then((shared) => runOn(shared, performance.now(), statement, context?.signal))
  }

  function runOn(
    slot: Slot<Connection>,
    since: number,
    statement: SingleStatement,
    signal: AbortSignal | undefined,
  ): Promise<Rows> {
    const { text, parameters, values, attempts } = statement
    const connection = slot.connection as Connection
    const ticket = signal && { place: 0, isCancelled: false }
    const answer = connection.run(text, parameters, values, ticket && { ticket }).then(
      (rows) => {
        // The answer has just been read, and the clock with it.
        pool.unshare(slot, since, connection.spokeAt)
        return rows
      },
      (error: unknown) => {
        pool.unshare(slot, since)
        if (ticket?.isCancelled || attempts >= mostAttempts) throw error
        const fate = connection.fateOf(error)
        // A read that the server has not seen is not repeated but run: should the network still deliver it, no harm is done.
        if (hadNoEffect(error) || fate === 'collateral' || (fate === 'unreceived' && isPlainRead(text)))
          return share({ ...statement, attempts: attempts + 1 })
        // Once only: a read that takes its connection with it must not go round all of them.
        const isWorthRepeating = retryReads && error instanceof ConnectionLostError && isRead(text)
        // In the next turn, when what took this connection has been heard of from the others.
        if (isWorthRepeating)
          return new Promise(setImmediate).then(() => share({ ...statement, attempts: mostAttempts }))
        throw error
      },
    )
    return signal && ticket ? guard(answer, signal, connection, ticket) : answer
  }

  return (text, parameters, values) => share({ text, parameters, values, attempts: 0 })
}

function hadNoEffect(error: unknown): boolean {
  return error instanceof ConnectionLostError && error.outcome === 'not-sent'
}
