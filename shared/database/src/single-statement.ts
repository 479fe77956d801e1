import type { Connection } from './connection.ts'
import { isPipelinable } from './driver.ts'
import type { RunStatement } from './drizzle-client.ts'
import { ConnectionLostError } from './errors.ts'
import { HedgeWatch } from './hedge.ts'
import type { Rows } from './pipeline.ts'
import type { QueuePool } from './queue-pool.ts'
import type { LeaseKind, Slot } from './slot.ts'
import type { StatementCatalog, StatementInfo } from './statement.ts'
import { guard, type Work, type WorkContext } from './work.ts'

export interface SingleStatementOptions {
  pool: QueuePool<Connection>
  catalog: StatementCatalog
  work: Work
  /** The driver's writers of parameters, by type. */
  serializers: Record<number, (value: unknown) => unknown>
  /** A text whose last runs took longer in ms is slow, and one that runs longer holds up those behind it. */
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
  readonly info: StatementInfo
  /** What bounded the caller when it called. */
  readonly context: WorkContext | undefined
  /** Made before this one. */
  readonly attempts: number
  /** Set where it is made beside one that waits behind a slow statement: fires when that one has been answered. */
  readonly hedge: AbortSignal | null
}

/**
 * Runs statements that stand alone and leave nothing behind: on shared leases, so that several may be under way on one
 * connection, and again elsewhere where that can't do harm. On a warm connection nothing is awaited before it is sent.
 *
 * Only a plain read is put behind another caller's statement, because only a plain read can be run again elsewhere when
 * what is ahead of it turns out slow. Everything else is the first on its connection.
 */
export function createSingleStatements(options: SingleStatementOptions): RunStatement {
  const { pool, catalog, work, serializers, slowStatementMs, retryReads } = options
  const hedges = new HedgeWatch(slowStatementMs)

  function kindOf({ info, parameters, hedge }: SingleStatement): Exclude<LeaseKind, 'exclusive'> {
    if (info.tookMs > slowStatementMs) return 'slow'
    return !hedge && info.isPlainRead && isPipelinable(parameters, info.types, serializers)
      ? 'shared'
      : 'first'
  }

  function share(statement: SingleStatement): Promise<Rows> {
    const { context, hedge } = statement
    if (context?.signal?.aborted) return Promise.reject(context.signal.reason)
    const now = performance.now()
    const kind = kindOf(statement)
    const slot = pool.tryShare(now, kind)
    if (slot) return runOn(slot, now, statement)
    const from = hedge ? { ...context, signal: anyOf(hedge, context?.signal), isExtra: true } : context
    return pool.share(from, kind).then((shared) => {
      const since = performance.now()
      if (!hedge?.aborted) return runOn(shared, since, statement)
      // It was answered while this one was being served.
      pool.unshare(shared, since, since)
      throw hedge.reason
    })
  }

  function runOn(slot: Slot<Connection>, since: number, statement: SingleStatement): Promise<Rows> {
    const { text, parameters, values, context } = statement
    const signal = context?.signal
    const connection = slot.connection as Connection
    const follows = slot.shares > 1
    const ticket = signal || follows ? { place: 0, isCancelled: false } : undefined
    const answer = connection.run(text, parameters, values, ticket && { ticket }).then(
      (rows) => {
        // The answer has just been read, and the clock with it.
        pool.unshare(slot, since, connection.spokeAt)
        return rows
      },
      (error: unknown) => {
        if (!ticket?.isCancelled) {
          pool.unshare(slot, since)
          return runAgain(error, connection, statement)
        }
        // Until nothing of the cancellation is left that could hit another, the connection is nobody else's.
        void connection.cancelled().then(() => pool.unshare(slot, since))
        throw error
      },
    )
    if (!ticket) return answer
    const first = follows
      ? hedges.first(answer, connection, ticket, (hedge) => {
          pool.hedged()
          return share({ ...statement, hedge })
        })
      : answer
    return signal ? guard(first, signal, connection, ticket) : first
  }

  /** Runs a failed statement again where that can't do harm; throws its error where it might. */
  function runAgain(error: unknown, connection: Connection, statement: SingleStatement): Promise<Rows> {
    const { info, attempts } = statement
    if (attempts >= mostAttempts || statement.context?.signal?.aborted) throw error
    const fate = connection.fateOf(error)
    // A plain read that the server has not begun is not repeated but run: should the network still deliver it, no harm is done.
    if (hadNoEffect(error) || fate === 'collateral' || (fate === 'unbegun' && info.isPlainRead))
      return share({ ...statement, attempts: attempts + 1 })
    // Once only: a read that takes its connection with it must not go round all of them.
    if (retryReads && error instanceof ConnectionLostError && info.isPlainRead)
      // In the next turn, when what took this connection has been heard of from the others.
      return new Promise(setImmediate).then(() => share({ ...statement, attempts: mostAttempts }))
    throw error
  }

  return (text, parameters, values) =>
    share({
      text,
      parameters,
      values,
      info: catalog.info(text),
      context: work.current(),
      attempts: 0,
      hedge: null,
    })
}

function anyOf(one: AbortSignal, other: AbortSignal | undefined): AbortSignal {
  return other ? AbortSignal.any([one, other]) : one
}

function hadNoEffect(error: unknown): boolean {
  return error instanceof ConnectionLostError && error.outcome === 'not-sent'
}
