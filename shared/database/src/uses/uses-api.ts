import type { PgTransactionConfig } from 'drizzle-orm/pg-core'
import type { CopySource, CopyTarget } from '../drizzle/copy-text.ts'
import type { DrizzleModel, TransactionOf } from '../drizzle/handle.ts'
import type { StreamedQuery, StreamedRow } from '../drizzle/streamed-query.ts'
import type { Bounds } from '../session/work.ts'
import type { CopyInput } from './copy/copy-in.ts'
import type { CopyOptions } from './copy/copy-options.ts'
import type { ListenOptions, Subscription } from './listen/listening.ts'
import type { Settings } from './settings/settings.ts'
import type { StreamOptions } from './stream/stream.ts'

export type TransactionOptions = Bounds & PgTransactionConfig & { retries?: number }

/** A transaction and the settings that hold in it. */
export type SessionOptions = TransactionOptions & {
  /** By name, as in `{ 'app.user_id': user.id }`. A value is a text, a number or a boolean; null is an error. */
  settings: Settings
}

/** What else a connection is for than single statements and transactions. */
export interface DatabaseUses<TModel extends DrizzleModel> {
  /**
   * `transaction()` in which settings hold that policies of row security read: `current_setting('app.user_id', true)`. They are sent
   * in the packet of BEGIN, as parameters, and end with the transaction, so that nobody after it has them, behind a pooler in
   * transaction mode too. Modes, `retries`, `timeoutMs` and `signal` are those of `transaction()`.
   *
   * @param options.settings One at least. A name without a dot is a setting of the server's own (`role`, `TimeZone`).
   * @returns What `fn` returns.
   * @throws {ConfigurationError} for a name or a value that can't be sent; what the server says of a setting; and what
   *   `transaction()` throws. No error and no event shows a value, but for what the server says of it.
   */
  session<T>(options: SessionOptions, fn: (tx: TransactionOf<TModel>) => Promise<T>): Promise<T>
  /**
   * The rows of a query one by one, with the types and names that `await query` gives, in bounded memory: over a cursor in a transaction
   * of its own, which holds a connection until the loop ends. All rows are as of one moment, the first `next()`, whatever is written meanwhile.
   * Also behind a pooler in transaction mode.
   *
   * @param query A builder of Drizzle's that was not awaited, of this database or any other handle, or sql`…`; it must be a SELECT, VALUES,
   *   TABLE or WITH, and runs outside of transactions around it.
   * @param options.timeoutMs Longest time in ms from the first `next()` to the last row. Default: none.
   * @returns Iterates once. `break`, a throw in the loop and `return()` end it: what runs is cancelled, and the connection comes back.
   * @throws (out of `next()`) what the server says, as Drizzle wraps it; ConnectionLostError (`rolled-back`) when the connection is lost, after
   *   the rows that had come; StreamIdleError when nobody asked for `idleTimeoutMs`; what a deadline or a signal ends it with, as `within()`;
   *   PoolClosedError after `close()`; and what a checkout throws.
   */
  stream<Q extends StreamedQuery>(query: Q, options?: StreamOptions): AsyncIterableIterator<StreamedRow<Q>>
  /**
   * Stores rows by COPY, all or none: several times as fast as INSERT. The bytes are passed on as they are, at the pace that the server takes
   * them. `encodeCopyRows(rows)` writes rows of values as such bytes.
   *
   * @param source What is copied: a ReadableStream (a request's body, `Bun.file(path).stream()`), an iterable or an async iterable.
   * @returns How many rows were stored.
   * @throws what the source throws; the server's error with the line and column in `where`; ConnectionLostError, `rolled-back` or, when the end was sent,
   *   `unknown`; StreamIdleError when the source gave nothing for `idleTimeoutMs`; and what a deadline, a signal or a checkout throws.
   */
  copyIn(target: CopyTarget, source: CopyInput, options?: CopyOptions): Promise<{ rows: number }>
  /**
   * Reads a table or a query by COPY, as bytes, at the pace of the consumer. It begins with the first read; `cancel()` ends it. A consumer that
   * needs to know that nothing is missing waits for the end of the stream: a failure comes as its error.
   *
   * @param source A table, its name, or a query without parameters, which the server does not take in a COPY.
   * @throws (out of the stream) as `copyIn()`.
   */
  copyOut(source: CopySource, options?: CopyOptions): ReadableStream<Uint8Array<ArrayBuffer>>
  /**
   * Calls a handler with the payload of each notification of a channel, in order, one call after the other: a promise that it returns is
   * waited for. All channels share one connection beside the pool (`<name> listen` in pg_stat_activity). When that is lost, or silent for
   * 7 s, another one is opened, on the new primary after a failover, and `onReconnected` is called where notifications may be missing.
   *
   * @param channel Its name exactly as it is, up to 63 bytes, as in `notify()` and pg_notify.
   * @returns Once the server sends: what is notified from now on arrives, or a call of `onReconnected` or `onOverflow` is in its place.
   * @throws {ConnectError} when there is no connection in time; PoolerModeError behind a pooler in transaction mode, without `directUrl`;
   *   WorkAbortedError when the signal fires before; PoolClosedError after `close()`; ConfigurationError for a bad name or option.
   */
  listen(
    channel: string,
    handle: (payload: string) => unknown,
    options?: ListenOptions,
  ): Promise<Subscription>
  /**
   * Notifies a channel. Inside a transaction use its own handle, so that it is delivered at COMMIT and not before:
   * tx.execute(sql`select pg_notify(${channel}, ${payload})`).
   *
   * @param payload Text below 8 000 bytes. Default ''.
   * @throws {ConfigurationError} for a name or payload that can't be sent, and what a statement throws.
   */
  notify(channel: string, payload?: string): Promise<void>
}
