import type { PoolConnection } from '@shared/pool'
import type { ConnectionOptions } from '../options.ts'
import type { CopyExchange } from './copy-exchange.ts'
import type { Notice } from './notice.ts'
import type { Pooler } from './pooler.ts'
import type { ServerRole } from './server-role.ts'
import type { Rows, Statement } from './statement.ts'
import type { Host, Target } from './target.ts'
import type { TypeCodecs } from './type-codecs.ts'

/** Follows one statement, so that it can be cancelled. */
export interface Ticket {
  /** Its position among the connection's statements, from 1; 0 until it is sent. */
  position: number
  /** Set by `cancel()`: if it was not sent yet it never is. */
  isCancelled: boolean
  /** Set by `preempt()`: it runs again elsewhere. */
  isPreempted: boolean
  /** Whether it was last sent to run from a prepared plan. */
  isPrepared: boolean
}

/** For a statement that is about to be run. */
export function createTicket(): Ticket {
  return { position: 0, isCancelled: false, isPreempted: false, isPrepared: false }
}

/**
 * How a statement runs: `autocommit` from a prepared plan, and once more without when that plan is stale; in a
 * `transaction` from a prepared plan, where a second try is not the connection's to decide; or `unprepared`.
 */
export type RunMode = 'autocommit' | 'transaction' | 'unprepared'

/** How else than by its text a statement runs. */
export interface RunOptions {
  /** Default 'autocommit'. */
  mode?: RunMode
  ticket?: Ticket
  /** A BEGIN to run before it; if that fails the statement does not run. */
  begin?: string
  /** Its parameters are for the server to read as text: nobody has to ask for their types before they are sent. */
  isAllText?: boolean
  /** Sent behind the text, and shown nowhere here. The same text must come with the same one, unless it runs unprepared. */
  comment?: string
}

/**
 * What is known of a failure beside its error: the statement's prepared plan may be stale (`maybe-stale`); a cancellation meant
 * for another statement hit it, so that it had no effect (`cancelled-by-mistake`); the server has ended the session instead of
 * running it, and undone what it had done of it (`undone`); or nothing shows that the server had begun it (`not-begun`), which
 * proves nothing: what the network still holds may arrive.
 */
export type Failure = 'maybe-stale' | 'cancelled-by-mistake' | 'undone' | 'not-begun'

/** One physical connection to a PostgreSQL server, whatever driver it is made of. It connects once and never again. */
export interface SqlConnection extends PoolConnection {
  /** Where its server is. */
  readonly host: Host
  /** What its server was when it connected, or has reported since; null where nobody needs to know. */
  readonly role: ServerRole | null
  /** The backend's process id. */
  readonly pid: number
  /** When the backend was started, by the server's clock, as text to compare; null where a pooler stands between. */
  readonly backendStartedAt: string | null
  /** True when it is of no use any more. */
  readonly lost: boolean
  /** Whether what is sent now would be sent at once, and be hit by no cancellation. */
  readonly isClear: boolean
  /** Bytes received so far. */
  readonly bytesRead: number
  /** Whether a setting that the server reports by itself is not what the session began with. */
  readonly hasOtherSettings: boolean

  /**
   * Runs one statement; several may be under way, and answers come in order.
   *
   * @param statement A text of the layer's own, or what the catalog knows of a caller's.
   * @returns The rows, as arrays with `values`, else as objects.
   * @throws {ConnectionLostError} when the connection is lost; the server's error with its SQLSTATE as `code` and its
   *   `severity`, as `serverState` reads it; else what the driver throws, without a severity.
   */
  run(
    statement: Statement | string,
    parameters: readonly unknown[],
    values: boolean,
    options?: RunOptions,
  ): Promise<Rows>
  /**
   * Starts a COPY from or to the client; nothing else may be under way.
   *
   * @returns Once the server is ready for it.
   * @throws as `run()` does.
   */
  copy(text: string): Promise<CopyExchange>
  /** Cancels a statement on the server; settles when nothing of the cancellation is left that could hit another. */
  cancel(ticket: Ticket): Promise<void>
  /** Settles when no cancellation is under way. */
  cancelled(): Promise<void>
  /** Settles when every statement that was handed over until now is over. */
  answered(): Promise<void>
  /** Cancels the statement that runs, to run it elsewhere; null where there is none that may be. Settles when it is over. */
  preempt(): Promise<void> | null
  /** What is known of a statement of this connection that failed with the error. */
  failureOf(error: unknown): Failure | undefined
  /** Whether the plan of a statement that failed with the error is stale; asks the server, which must be free to answer. */
  confirmStale(error: unknown): Promise<boolean>
  /** Definitions have changed: every connection made until now is replaced when nobody uses it. */
  retirePlans(): void
  /** This connection, and no other, is replaced when nobody uses it. */
  retire(): void

  /** How long the statement now running has been without an answer; 0 when none runs or none could be looked up. */
  silentForMs(now: number): number
  /** How long the server has been at the first of the statements under way; 0 when none is. */
  workedForMs(now: number): number
  /**
   * Gives the connection up: its statements fail with ConnectionLostError.
   *
   * @param quietSince When its backend was last at work, on performance.now's clock.
   */
  giveUp(cause: unknown, quietSince: number): void
}

export interface OpenOptions {
  /** Which of the target's. Default: the first. */
  host?: Host
  /** Longest time in ms for all of it: TCP, TLS, login, first answer. */
  timeoutMs: number
  signal?: AbortSignal
  /** Called once if the connection is lost later, unasked. */
  onLost?: (cause: unknown) => void
  /** Called when the server reports in the session that its role has changed. */
  onRoleChanged?: () => void
  /** The name of the pool that it is for. Default: none, for a question of the layer's own. */
  pool?: string
}

export interface SourceListeners {
  /** Codecs of callers: what the layer asks for itself is read without them. */
  types?: TypeCodecs | undefined
  /** Called with each notice about a statement of a caller; it must not throw. */
  onNotice?: ((notice: Notice) => void) | undefined
  /** Called with the payload of what a connection has LISTENed for, with that connection, and with the channel. */
  onNotify?: (payload: string, connection: SqlConnection, channel: string) => void
  /** Called when a pooler is met on the way, and when it turns out to lose prepared statements. */
  onPooler?: (pooler: Pooler) => void
  /** Called when definitions have changed: types remembered until now may be wrong. */
  onDefinitionsChanged?: () => void
}

/** Prepares where connections to one database come from; opens nothing. */
export type CreateSource = (
  target: Target,
  options: ConnectionOptions,
  listeners?: SourceListeners,
) => ConnectionSource

/** Where connections to one database come from, and what they share. Opens nothing until it is asked to. */
export interface ConnectionSource {
  /**
   * Opens one connection and waits until the server has answered on it.
   *
   * @throws {ConnectError} with the driver's error as `cause`; its code is SASL_SIGNATURE_MISMATCH where the server did not
   *   prove that it knows the password.
   */
  open(options: OpenOptions): Promise<SqlConnection>
  /** What Drizzle sees as the `options` of its client: the parsers and serializers in there hold for every connection. */
  readonly clientOptions: unknown
  /** Whether a statement with these parameters may be sent behind others that are under way. */
  isPipelinable(parameters: readonly unknown[], types: readonly number[] | null): boolean
  /** Whether there is a connection that could hold plans. */
  readonly isInUse: boolean
  /** The server's snapshot at the first login: no plan is older. Null before it. */
  readonly firstSnapshot: string | null
  /** Definitions have changed: plans made until now are not used any more. */
  definitionsChanged(): void
  /** Learns the types that have been made since, over a connection that is free. */
  learnTypes(connection: SqlConnection): Promise<void>
  /** From now on, or no longer, nothing is sent that runs from a prepared plan. */
  holdPlans(isHeld: boolean): void
  /** Settles when every statement that was sent until now, on any connection, has been answered. */
  answered(): Promise<void>
  /** The pooler on the way, as far as it is known. */
  readonly pooler: Pooler | null
  /** Settles what nothing else will settle, on any connection, and counts it: each is a defect of this layer. */
  settleStranded(): number
}
