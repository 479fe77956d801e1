import type { QueuePool, SharedLease } from '@shared/pool'
import { type ConnectionSource, createTicket, type SqlConnection } from '../connection/sql-connection.ts'
import type { Rows, Statement } from '../connection/statement.ts'
import { ConnectionLostError } from '../errors.ts'
import { Preemption } from './preemption.ts'
import { guard, type Work, type WorkContext } from './work.ts'

export interface SingleStatementOptions {
  pool: QueuePool<SqlConnection>
  source: ConnectionSource
  work: Work
  /** A text whose last runs took longer in ms is slow, and a run that takes longer must let those behind it pass. */
  slowStatementMs: number
  /** Whether a read whose connection was lost is run once more. */
  retryReads: boolean
}

// A statement that was never sent goes to another connection; a server that loses every one at once ends that.
const mostAttempts = 5

/** One run of a statement, or another try. */
interface Run {
  readonly statement: Statement
  readonly parameters: readonly unknown[]
  /** Rows as arrays instead of objects. */
  readonly values: boolean
  /** What bounded the caller when it called. */
  readonly context: WorkContext | undefined
  /** Made before this one. */
  readonly attempts: number
  /** Whether it was slow already. */
  readonly isAlone: boolean
}

/**
 * Runs statements that stand alone and leave nothing behind: on shared leases, so that several may be under way on one
 * connection, and again elsewhere where that can't do harm. On a warm connection nothing is awaited before it is sent.
 *
 * Only a statement of which nothing is left when it is cancelled shares a connection: that is how one that turns out slow
 * makes way for those behind it. Everything else has its connection for itself.
 */
export function createSingleStatements(
  options: SingleStatementOptions,
): (statement: Statement, parameters: readonly unknown[], values: boolean) => Promise<Rows> {
  const { pool, source, work, slowStatementMs, retryReads } = options
  const preemption = new Preemption({
    slowMs: slowStatementMs,
    crowded: () => pool.crowdedConnections(),
    onPreempted: () => pool.countPreemption(),
  })

  const mayShare = ({ statement, parameters, isAlone }: Run): boolean =>
    !isAlone &&
    statement.effect !== 'unknown' &&
    statement.tookMs <= slowStatementMs &&
    source.isPipelinable(parameters, statement.types)

  function share(run: Run): Promise<Rows> {
    const { context } = run
    if (context?.signal?.aborted) return Promise.reject(context.signal.reason)
    const now = performance.now()
    const kind = mayShare(run) ? 'shared' : 'alone'
    const lease = pool.tryShare(now, kind)
    return lease ? runOn(lease, run) : pool.share(context, kind).then((served) => runOn(served, run))
  }

  function runOn(lease: SharedLease<SqlConnection>, run: Run): Promise<Rows> {
    const { statement, parameters, values, context } = run
    const signal = context?.signal
    const { connection } = lease
    const ticket = createTicket()
    if (lease.hasNeighbours) preemption.watch()
    const rerun = (error: unknown): Promise<Rows> => {
      if (ticket.isCancelled) throw error
      if (!ticket.isPreempted) return runAgain(error, connection, run)
      // A text that was slow once runs alone for a while.
      statement.tookMs = Math.max(statement.tookMs, 2 * slowStatementMs)
      return runAgain(error, connection, { ...run, isAlone: true })
    }
    const answered = (rows: Rows): Rows => {
      // The answer has just been read, and the clock with it.
      giveBack(lease, connection.spokeAt)
      return rows
    }
    const failed = (error: unknown): never => {
      giveBack(lease)
      throw error
    }
    const answer = connection.run(statement, parameters, values, { ticket })
    if (!signal)
      return answer.then(answered, (error: unknown) => {
        giveBack(lease)
        return rerun(error)
      })
    // The signal ends this run by cancelling it; another one that waits in the queue is ended there, as that.
    return guard(answer.then(answered, failed), signal, connection, ticket).catch(rerun)
  }

  /** Until nothing of a cancellation is left that could hit another, the connection is nobody else's. */
  function giveBack(lease: SharedLease<SqlConnection>, now?: number): void {
    const { connection } = lease
    if (connection.isClear) lease.end(now)
    else void connection.cancelled().then(() => lease.end())
  }

  /** Runs a failed statement again where that can't do harm; throws its error where it might. */
  function runAgain(error: unknown, connection: SqlConnection, run: Run): Promise<Rows> {
    const { statement, attempts } = run
    if (attempts >= mostAttempts || run.context?.signal?.aborted) throw error
    const failure = connection.failureOf(error)
    const isPlainRead = statement.effect === 'none'
    // A read that the server has not begun is not repeated but run: should the network still deliver it, no harm is done.
    if (hadNoEffect(error) || failure === 'cancelled-by-mistake' || (failure === 'not-begun' && isPlainRead))
      return share({ ...run, attempts: attempts + 1 })
    // Once only: a read that takes its connection with it must not go round all of them.
    if (retryReads && error instanceof ConnectionLostError && isPlainRead)
      // In the next turn, when what took this connection has been noticed on the others.
      return new Promise(setImmediate).then(() => share({ ...run, attempts: mostAttempts }))
    throw error
  }

  return (statement, parameters, values) =>
    share({
      statement,
      parameters,
      values,
      context: work.current(),
      attempts: 0,
      isAlone: false,
    })
}

function hadNoEffect(error: unknown): boolean {
  return error instanceof ConnectionLostError && error.outcome === 'not-sent'
}
