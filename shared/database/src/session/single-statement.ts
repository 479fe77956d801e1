import type { QueuePool, SharedLease } from '@shared/pool'
import { type ConnectionSource, createTicket, type SqlConnection } from '../connection/sql-connection.ts'
import type { Rows, Statement } from '../connection/statement.ts'
import { ConnectionLostError, serverState } from '../errors.ts'
import type { StatementMessage } from '../tracing/statement-message.ts'
import type { Tracer } from '../tracing/tracer.ts'
import { Preemption } from './preemption.ts'
import type { Replayed } from './replayed.ts'
import { guard, untilFired, type Work, type WorkContext } from './work.ts'
import { followWrite } from './write-mark.ts'

export interface SingleStatementOptions {
  pool: QueuePool<SqlConnection>
  source: ConnectionSource
  work: Work
  tracer: Tracer
  /** A text whose last runs took longer in ms is slow, and a run that takes longer must let those behind it pass. */
  slowStatementMs: number
  /** Whether a read whose connection was lost is run once more. */
  retryReads: boolean
  /** Of a standby, how far it has replayed: it is asked before a read of a context that has written, where that is not known. */
  replayed?: Replayed
  /** Whether a statement failed because its server takes no writes any more, or was shut down, and another one may take it. */
  hasMoved: (error: unknown, connection: SqlConnection) => Promise<boolean>
}

// A statement that was never sent goes to another connection; a server that loses every one at once ends that.
const mostAttempts = 5

/** Runs a statement that stands alone; rows as arrays with `values`, else as objects. */
export type RunSingle = (
  statement: Statement,
  parameters: readonly unknown[],
  values: boolean,
) => Promise<Rows>

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
  /** What is published of it; null where nobody listens. */
  readonly message: StatementMessage | null
}

/**
 * Runs statements that stand alone and leave nothing behind: on shared leases, so that several may be under way on one
 * connection, and again elsewhere where that can't do harm. On a warm connection nothing is awaited before it is sent.
 *
 * Only a statement of which nothing is left when it is cancelled shares a connection: that is how one that turns out slow
 * makes way for those behind it. Everything else has its connection for itself.
 */
export function createSingleStatements(options: SingleStatementOptions): RunSingle {
  const { pool, source, work, tracer, slowStatementMs, retryReads, replayed, hasMoved } = options
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
    const take = () => pool.share(context, kind)
    if (tracer.hearsCheckouts) {
      const taken = tracer.checkout(kind, pool.waiting, async () => lease ?? (await take()))
      return taken.then((served) => runOn(served, run))
    }
    return lease ? runOn(lease, run) : take().then((served) => runOn(served, run))
  }

  function runOn(lease: SharedLease<SqlConnection>, run: Run): Promise<Rows> {
    const { statement, parameters, values, context } = run
    const signal = context?.signal
    const { connection } = lease
    const ticket = createTicket()
    if (lease.hasNeighbours) preemption.watch()
    const rerun = (error: unknown): Promise<Rows> => {
      if (ticket.isCancelled) {
        // It may have been over before its cancellation arrived.
        if (ticket.position > 0) writes?.note(null)
        throw error
      }
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
    // A standby writes nothing, whatever a function in the statement might do elsewhere.
    const writes = statement.effect === 'none' || replayed ? undefined : context?.writes
    const until = replayed && context?.writes?.until
    run.message?.sentTo(connection, ticket)
    const isShown = until && !replayed.isKnown(connection, until) ? replayed.require(connection, until) : null
    const { commentOf } = tracer
    const options = commentOf ? { ticket, ...commentOf(statement.text) } : { ticket }
    const sent = connection.run(statement, parameters, values, options)
    const giveUp = () => void connection.cancel(ticket)
    const answer = isShown
      ? confirmed(sent, isShown, giveUp, slowStatementMs)
      : writes
        ? followWrite(sent, connection, writes)
        : sent
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
    // What the server has undone of a function's work outside of it nobody knows.
    const isUndone = failure === 'undone' && statement.effect !== 'unknown'
    if (serverState(error) !== '25006' && !isUndone) throw error
    // At the caller's deadline it fails as it is.
    return untilFired(hasMoved(error, connection), run.context?.signal, () => error).then((moved) => {
      if (!moved || run.context?.signal?.aborted) throw error
      return share({ ...run, attempts: attempts + 1 })
    })
  }

  return (statement, parameters, values) => {
    const context = work.current()
    const begun = { statement, parameters, values, context, attempts: 0, isAlone: false, message: null }
    return tracer.hearsStatements
      ? tracer.statement(statement, false, (message) => share({ ...begun, message }))
      : share(begun)
  }
}

/**
 * A read counts, and its failure too, only where its standby was far enough; where it was not, one that takes longer is given up.
 */
async function confirmed(
  answer: Promise<Rows>,
  isShown: Promise<void>,
  giveUp: () => void,
  patienceMs: number,
): Promise<Rows> {
  // An answer must not be left while it is under way.
  const ended = answer.catch(() => {})
  try {
    await isShown
  } catch (error) {
    const timer = setTimeout(giveUp, patienceMs)
    await ended
    clearTimeout(timer)
    throw error
  }
  return await answer
}

function hadNoEffect(error: unknown): boolean {
  return error instanceof ConnectionLostError && error.outcome === 'not-sent'
}
