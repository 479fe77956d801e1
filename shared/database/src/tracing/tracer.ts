import type { Rows, Statement } from '../connection/statement.ts'
import { channels, isHeard } from './channels.ts'
import type { CommentOf } from './comments.ts'
import {
  begun,
  type CheckoutMessage,
  type FailoverMessage,
  noteBackend,
  type TracedPool,
  type TransactionMessage,
} from './messages.ts'
import type { SlowQueries } from './slow-queries.ts'
import { StatementMessage } from './statement-message.ts'
import { traced } from './traced.ts'

/** Publishes what is done on the connections of one pool. Where nobody listens, all it costs is to ask for that. */
export interface Tracer {
  /** Whether somebody wants to know of statements. */
  readonly hearsStatements: boolean
  /** What is sent behind the text of each statement; null for nothing. */
  readonly commentOf: CommentOf | null
  /** Whether somebody wants to know of checkouts. */
  readonly hearsCheckouts: boolean
  /**
   * Publishes a statement.
   *
   * @param run Runs it; must note in the message when it is handed to a connection.
   */
  statement(
    statement: Statement,
    inTransaction: boolean,
    run: (message: StatementMessage) => Promise<Rows>,
  ): Promise<Rows>
  /**
   * Publishes a checkout.
   *
   * @param waiting Callers in the queue.
   */
  checkout<L extends Lease>(
    kind: CheckoutMessage['kind'],
    waiting: number,
    take: () => Promise<L>,
  ): Promise<L>
  /**
   * Publishes a transaction, if anybody listens.
   *
   * @param run Gets the message to complete, or null.
   */
  transaction<T>(run: (message: TransactionMessage | null) => Promise<T>): Promise<T>
  /**
   * Publishes a transaction that may take several attempts as one.
   *
   * @param run Gets what makes an attempt; that must call `transaction()` before it returns.
   */
  attempts<T>(run: (attempt: <R>(begin: () => Promise<R>) => Promise<R>) => Promise<T>): Promise<T>
  /** Publishes that another server has become the primary. */
  failover(change: Failover): void
}

interface Failover {
  readonly host: Place
  readonly timeline: number
  readonly before: { readonly host: Place; readonly timeline: number } | null
}

interface Place {
  readonly name: string
  readonly port: number
}

interface Lease {
  readonly connection: { readonly host: Place; readonly pid: number }
}

/** What is done with statements beside publishing them. */
export interface TracerOptions {
  /** Gets each statement that is over. */
  readonly slow: SlowQueries | null
  readonly commentOf: CommentOf | null
}

/** @param options Default: nothing is. */
export function createTracer(
  pool: TracedPool,
  { slow, commentOf }: TracerOptions = { slow: null, commentOf: null },
): Tracer {
  /** That of the attempt which is just beginning its transaction. */
  let attempted: TransactionMessage | null = null

  function publish<T>(run: (message: TransactionMessage) => Promise<T>): Promise<T> {
    const message: TransactionMessage = {
      ...begun(pool),
      isolationLevel: null,
      accessMode: null,
      attempts: 0,
      waitMs: null,
      outcome: null,
      pid: null,
    }
    return traced(
      channels.transaction,
      message,
      () => run(message),
      () => {
        message.outcome ??= 'error' in message ? 'rolled-back' : 'committed'
      },
    )
  }

  function counted<T>(
    message: TransactionMessage,
    run: (message: TransactionMessage) => Promise<T>,
  ): Promise<T> {
    message.attempts++
    return run(message)
  }

  return {
    commentOf,
    get hearsStatements() {
      return slow !== null || isHeard(channels.statement)
    },
    get hearsCheckouts() {
      return isHeard(channels.checkout)
    },
    statement(statement, inTransaction, run) {
      const message = new StatementMessage(pool, statement, inTransaction)
      const site = slow?.sites.current()
      return traced(
        channels.statement,
        message,
        () => run(message),
        (rows) => {
          message.ended(rows)
          if (!site || !slow) return
          slow.over(message, site)
          if ('error' in message) slow.sites.failedAt(site, message.error)
        },
      )
    },
    checkout(kind, waiting, take) {
      const message: CheckoutMessage = { ...begun(pool), kind, waiting, pid: null }
      return traced(channels.checkout, message, take, (lease) => {
        if (lease) noteBackend(message, lease.connection)
      })
    },
    transaction(run) {
      const message = attempted
      attempted = null
      if (message) return counted(message, run)
      if (!isHeard(channels.transaction)) return run(null)
      return publish((own) => counted(own, run))
    },
    attempts(run) {
      if (!isHeard(channels.transaction)) return run((begin) => begin())
      return publish((message) =>
        run((begin) => {
          attempted = message
          try {
            return begin()
          } finally {
            attempted = null
          }
        }),
      )
    },
    failover({ host, timeline, before }) {
      if (!channels.failover.hasSubscribers || !before) return
      const message: FailoverMessage = {
        pool: pool.pool,
        database: pool.database,
        host: host.name,
        port: host.port,
        timeline,
        before: { host: before.host.name, port: before.host.port, timeline: before.timeline },
      }
      channels.failover.publish(message)
    },
  }
}
