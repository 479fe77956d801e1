import type { PoolOptions, PoolStatus, PoolTimings } from '@shared/pool'
import type { PgTransactionConfig } from 'drizzle-orm/pg-core'
import type { Pooler } from './connection/pooler.ts'
import type { SqlConnection } from './connection/sql-connection.ts'
import type { DrizzleDatabase, DrizzleModel, ModelOptions } from './drizzle/handle.ts'
import type { DatabaseEvent, DatabaseEventType, EventCounts } from './event-log.ts'
import type { ConnectionOptions } from './options.ts'
import type { Bounds, WorkOptions } from './session/work.ts'

export interface DatabaseOptions<TModel extends DrizzleModel> extends ModelOptions<TModel> {
  /** The pool's name in errors, events and metrics, and in pg_stat_activity. */
  name: string
  /** postgres://user:password@host:port/database, optionally ?sslmode=…. */
  url: string
  /** Path of a file with the password, read at each connect so that rotation needs no restart. Wins over the URL's. */
  passwordFile?: string
  pool?: Partial<PoolOptions>
  connection?: Partial<ConnectionOptions>
  /** Called with every event; one that throws breaks nothing. */
  onEvent?: (event: DatabaseEvent) => void
}

/** One connection for the caller alone, inside `use()`. */
export interface UsedConnection<TModel extends DrizzleModel> {
  /** Drizzle on this connection. Rejects once `use()` has ended. */
  readonly db: DrizzleDatabase<TModel>
  /** The backend's process id, as in pg_stat_activity. */
  readonly pid: number
}

/** Drizzle inside a transaction. */
export type TransactionOf<TModel extends DrizzleModel> = Parameters<
  Parameters<DrizzleDatabase<TModel>['transaction']>[0]
>[0]

export type TransactionOptions = Bounds & PgTransactionConfig & { retries?: number }

export interface Database<TModel extends DrizzleModel> {
  readonly name: string
  /** Drizzle over the pool: select, insert, transaction, query, execute … */
  readonly db: DrizzleDatabase<TModel>
  /**
   * Opens and verifies one connection.
   *
   * @param bounds.timeoutMs Default connectTimeoutMs (10 000).
   * @throws {ConnectError} when the server refuses or has not answered by then.
   */
  connect(bounds?: Bounds): Promise<void>
  /**
   * Runs several statements on one exclusive connection; session state they leave is reset afterwards.
   *
   * @param bounds.timeoutMs Longest time in ms for all of it, in place of checkoutTimeoutMs for the checkout.
   * @throws what `fn` throws, and what a checkout throws (see QueuePool.checkout).
   */
  use<T>(fn: (connection: UsedConnection<TModel>) => Promise<T>, bounds?: Bounds): Promise<T>
  /**
   * `db.transaction()` that runs the whole callback again when the server rolled it back (40001, 40P01) or its connection was
   * lost before COMMIT was sent, after jittered pauses. Never after a COMMIT whose answer did not come. The callback must
   * have no effects outside the database that may not happen twice.
   *
   * @param options.retries How many times beyond the first. Default 3.
   * @param options.timeoutMs Longest time in ms for all attempts and pauses, as `within()` has it.
   * @throws What the last attempt threw.
   */
  transaction<T>(fn: (tx: TransactionOf<TModel>) => Promise<T>, options?: TransactionOptions): Promise<T>
  /**
   * Bounds all database work done inside `fn`, also across awaits: the queue, connecting, statements and COMMIT. At the deadline,
   * or when the signal fires, the caller gets its error at once, a statement is cancelled on the server, and its connection comes
   * back clean behind the caller's back; work already committed stays. The `deadline` of the error says whose it was and what
   * the time was spent on.
   *
   * @param options.timeoutMs Longest time in ms. Bounds around this one, and of calls inside, hold too.
   * @throws {CheckoutTimeoutError} when the time passed in the queue of an exhausted pool; ConnectError when the server gave no
   *   connection; StatementTimeoutError while a statement ran, or before it was sent; ConnectionLostError (`unknown`) during
   *   COMMIT, which goes on; CheckoutAbortedError or WorkAbortedError when the signal fired; and what `fn` throws.
   */
  within<T>(options: WorkOptions, fn: () => Promise<T>): Promise<T>
  /** The pooler (PgBouncer or its like) that the pool's connections lead through; null: none, or nothing opened yet. */
  readonly pooler: Pooler | null
  /** One consistent snapshot of the pool. */
  status(): PoolStatus
  /** How long waits, leases and connects took, since the start. */
  timings(): PoolTimings
  /**
   * Sends `select 1` over the pool; `latencyMs` is that round trip alone, without the wait for a connection.
   *
   * @param bounds.timeoutMs For all of it. Default 2 000.
   */
  ping(bounds?: Bounds): Promise<{ latencyMs: number }>
  /**
   * Asks a question about the server on one connection outside the pool: a saturated pool is not an unreachable server. It is
   * opened at the first question, and anew after one that failed; questions run one at a time, in order.
   *
   * @param question Gets the connection, and what is left of its 2 000 ms, connecting included. It must leave no session state.
   * @throws {ConnectError} when there is no connection; StatementTimeoutError when the time is over; PoolClosedError after
   *   `close()`; and what `question` throws.
   */
  observe<T>(question: (connection: SqlConnection, leftMs: number) => Promise<T>): Promise<T>
  /** The last events, newest last. */
  events(): readonly DatabaseEvent[]
  /**
   * Adds an event of an observer's to those of the pool; `onEvent` gets it too.
   *
   * @param error Only its code is kept.
   * @param detail Numbers, a place in the program or what was found; never a text that could hold a secret.
   */
  record(type: DatabaseEventType, error?: unknown, detail?: string): void
  /** How often each type of event was recorded, since the start. */
  eventCounts(): EventCounts
  /** Retires every connection made until now. */
  invalidate(): void
  /**
   * Refuses new work, waits for what is under way, closes every connection. Idempotent; always settles.
   *
   * @param options.timeoutMs Time for work under way; what is left then is cancelled on the server and cut. 0: at once, Infinity: never. Default 5 000.
   */
  close(options?: { timeoutMs?: number }): Promise<void>
}
