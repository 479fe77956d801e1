import { createTicket } from './cancellation.ts'
import type { Connection } from './connection.ts'
import { isPipelinable } from './driver.ts'
import type { RunStatement } from './drizzle/client.ts'
import { ConnectionLostError } from './errors.ts'
import type { Rows } from './pipeline.ts'
import { Preemption } from './preemption.ts'
import type { QueuePool } from './queue-pool.ts'
import type { Slot } from './slot.ts'
import type { StatementCatalog, StatementInfo } from './statement.ts'
import { guard, type Work, type WorkContext } from './work.ts'

export interface SingleStatementOptions {
  pool: QueuePool<Connection>
  catalog: StatementCatalog
  work: Work
  /** The driver's writers of parameters, by type. */
  serializers: Record<number, (value: unknown) => unknown>
  /** A text whose last runs took longer in ms is slow, and a run that takes longer must let those behind it pass. */
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
export function createSingleStatements(options: SingleStatementOptions): RunStatement {
  const { pool, catalog, work, serializers, slowStatementMs, retryReads } = options
  const preemption = new Preemption({
    slowMs: slowStatementMs,
    slots: () => pool.slots(),
    onPreempted: () => pool.preempted(),
  })

  const mayShare = ({ info, parameters, isAlone }: SingleStatement): boolean =>
    !isAlone &&
    info.effect !== 'unknown' &&
    info.tookMs <= slowStatementMs &&
    isPipelinable(parameters, info.types, serializers)

  function share(statement: SingleStatement): Promise<Rows> {
    const { context } = statement
    if (context?.signal?.aborted) return Promise.reject(context.signal.reason)
    const now = performance.now()
    const kind = mayShare(statement) ? 'shared' : 'alone'
    const slot = pool.tryShare(now, kind)
    if (slot) return runOn(slot, now, statement)
    return pool.share(context, kind).then((shared) => runOn(shared, performance.now(), statement))
  }

  function runOn(slot: Slot<Connection>, since: number, statement: SingleStatement): Promise<Rows> {
    const { text, parameters, values, info, context } = statement
    const signal = context?.signal
    const connection = slot.connection as Connection
    const ticket = createTicket()
    if (slot.shares > 1) preemption.watch()
    const answer = connection.run(text, parameters, values, { ticket }).then(
      (rows) => {
        // The answer has just been read, and the clock with it.
        giveBack(slot, since, connection.spokeAt)
        return rows
      },
      (error: unknown) => {
        giveBack(slot, since)
        if (ticket.isCancelled) throw error
        if (!ticket.isPreempted) return runAgain(error, connection, statement)
        // A text that was slow once runs alone for a while.
        info.tookMs = Math.max(info.tookMs, 2 * slowStatementMs)
        return runAgain(error, connection, { ...statement, isAlone: true })
      },
    )
    return signal ? guard(answer, signal, connection, ticket) : answer
  }

  /** Until nothing of a cancellation is left that could hit another, the connection is nobody else's. */
  function giveBack(slot: Slot<Connection>, since: number, now?: number): void {
    const connection = slot.connection as Connection
    if (connection.isClear) pool.unshare(slot, since, now)
    else void connection.cancelled().then(() => pool.unshare(slot, since))
  }

  /** Runs a failed statement again where that can't do harm; throws its error where it might. */
  function runAgain(error: unknown, connection: Connection, statement: SingleStatement): Promise<Rows> {
    const { info, attempts } = statement
    if (attempts >= mostAttempts || statement.context?.signal?.aborted) throw error
    const fate = connection.fateOf(error)
    const isPlainRead = info.effect === 'none'
    // A read that the server has not begun is not repeated but run: should the network still deliver it, no harm is done.
    if (hadNoEffect(error) || fate === 'collateral' || (fate === 'unbegun' && isPlainRead))
      return share({ ...statement, attempts: attempts + 1 })
    // Once only: a read that takes its connection with it must not go round all of them.
    if (retryReads && error instanceof ConnectionLostError && isPlainRead)
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
      isAlone: false,
    })
}

function hadNoEffect(error: unknown): boolean {
  return error instanceof ConnectionLostError && error.outcome === 'not-sent'
}
