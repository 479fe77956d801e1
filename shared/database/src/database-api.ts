import type { PoolOptions, PoolStatus, PoolTimings } from '@shared/pool'
import type { CeilingStatus } from './connection/ceiling/shared-ceiling.ts'
import type { HostState } from './connection/hosts/host-watch.ts'
import type { OnNotice } from './connection/notice.ts'
import type { Pooler } from './connection/pooler.ts'
import type { SessionSettings } from './connection/session-settings.ts'
import type { SqlConnection } from './connection/sql-connection.ts'
import type { Host } from './connection/target.ts'
import type { TypeCodecs } from './connection/type-codecs.ts'
import type { DrizzleOptions } from './drizzle/config.ts'
import type { DrizzleDatabase, DrizzleModel, ModelOptions, TransactionOf } from './drizzle/handle.ts'
import type { DatabaseEvent, DatabaseEventType, EventCounts } from './event-log.ts'
import type { HookOptions } from './hooks/hooks.ts'
import type { ModuleMeta } from './hot-reload.ts'
import type { ConnectionOptions } from './options.ts'
import type { ReadCounters } from './replicas/reads.ts'
import type { ReplicasOptions } from './replicas/replicas.ts'
import type { Bounds, WorkOptions } from './session/work.ts'
import type { CommentOptions } from './tracing/comments.ts'
import type { DatabaseUses, TransactionOptions } from './uses/uses-api.ts'

export interface DatabaseOptions<TModel extends DrizzleModel>
  extends ModelOptions<TModel>,
    HookOptions<DrizzleDatabase<TModel>> {
  /** The pool's name in errors, events and metrics, and in pg_stat_activity. */
  name: string
  /**
   * Any connection string of libpq's: postgresql://user:password@host:port/database?sslmode=…, or keyword=value pairs. What
   * it says wins over the same option given otherwise.
   */
  url: string
  /**
   * The server's own address, past a pooler that `url` leads to: `listen()` goes there. Default: `url`. The password is that of
   * `passwordFile` where that is given.
   */
  directUrl?: string
  /** Path of a file with the password, read at each connect so that rotation needs no restart. Wins over the URL's. */
  passwordFile?: string
  /**
   * What Drizzle's own `drizzle()` takes beside client and model, with the same meaning: casing, logger and cache with 0.45.
   * What the cache keeps is read on the primary. Default: nothing.
   */
  drizzle?: DrizzleOptions
  /**
   * How values of types are written and read, as the driver has it: `{ point: { to: 600, from: [600], serialize, parse } }`. Of
   * dates and times Drizzle has codecs of its own, which win. Default: the driver's.
   */
  types?: TypeCodecs
  /** Where reads may go beside the primary. Default: nowhere. */
  replicas?: ReplicasOptions
  pool?: Partial<PoolOptions>
  /** What is sent behind the text of each statement, as sqlcommenter has it. Default: nothing. */
  comments?: CommentOptions
  connection?: GivenConnection
  /**
   * Called with each notice of the server's about a statement (`raise notice` …); one that throws breaks nothing. What it says is
   * text of the database: it is in no event. Default: notices go nowhere.
   */
  onNotice?: OnNotice
  /** Called with every event; one that throws breaks nothing. */
  onEvent?: (event: DatabaseEvent) => void
  /**
   * `import.meta` of the module that makes the database. When a development server (`bun --hot`, Vite) runs the module again, the
   * databases of its last run give their connections back, and are closed once what was under way on them is over. Where
   * every module runs once, as in production, it has no effect. Default: each run of the module adds a database.
   */
  hot?: ModuleMeta
}

/** The options of the connections, and what their sessions begin with. */
export interface GivenConnection extends Partial<ConnectionOptions> {
  /**
   * Settings of the server that each session begins with, and RESET brings back, by their names and with their values as text:
   * `{ timezone: 'UTC', search_path: 'app' }`. Default: as server and role have them.
   */
  settings?: SessionSettings
}

/** A standby that reads may go to. */
export interface ReplicaStatus {
  readonly host: Host
  readonly pool: PoolStatus
}

/** One connection for the caller alone, inside `use()`. */
export interface UsedConnection<TModel extends DrizzleModel> {
  /** Drizzle on this connection. Rejects once `use()` has ended. */
  readonly db: DrizzleDatabase<TModel>
  /** The backend's process id, as in pg_stat_activity; behind a pooler a number of its own, which no backend has. */
  readonly pid: number
  /**
   * Whether what a statement leaves on the session (a setting, a lock, a temporary table) is there for the next one outside a
   * transaction: always without a pooler, and behind one in session mode. Behind a pooler it asks the server, over this
   * connection and one beside it, so that nothing else may be under way on this one.
   *
   * @throws what a statement throws; ConnectError and StatementTimeoutError when there is no connection beside it.
   */
  keepsSession(): Promise<boolean>
}

export interface Database<TModel extends DrizzleModel> extends DatabaseUses<TModel> {
  readonly name: string
  /** Drizzle over the pool: select, insert, transaction, query, execute … */
  readonly db: DrizzleDatabase<TModel>
  /**
   * Drizzle for reads: on a standby that is near enough and shows what its context has written, else on the primary. It takes
   * statements that write and lock nothing, and transactions that only read.
   */
  readonly reads: DrizzleDatabase<TModel>
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
  /**
   * What the context of `within()` has written, for `within({ writtenUntil })` in another process that reads the same database;
   * null when it has written nothing, outside of `within()`, and without replicas.
   */
  writtenUntil(): string | null
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
  /** What the processes of this role share of its connections, and this one's part; null without `maxRoleConnections`. */
  ceiling(): CeilingStatus | null
  /** What is known of each host of the URL: role, time line, lag; empty with one host, or before the first connection. */
  hosts(): readonly HostState[]
  /** The pool of each host that reads may go to. */
  replicas(): readonly ReplicaStatus[]
  /** How far in ms a standby may be behind to be read from. */
  readonly maxLagMs: number
  /** Where reads of `reads`, and those that were routed, have run since the start. */
  readCounts(): ReadCounters
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
