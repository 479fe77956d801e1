import type { Socket } from 'node:net'
import postgres from 'postgres'
import { addArrayTypes, arrayTypesText } from './array-types.ts'
import { beginMessages, withoutBegin } from './begin.ts'
import { bounded } from './bounded.ts'
import { cancelBackend } from './cancel.ts'
import { toConnectError } from './connect-error.ts'
import {
  type ConnectionSource,
  type Driver,
  isCancelCode,
  isConnectionFailure,
  isPipelinable,
  isServerError,
  isStaleCode,
} from './driver.ts'
import { DriverQuery, submitterOf } from './driver-query.ts'
import { ConnectionLostError } from './errors.ts'
import { readPassword } from './password.ts'
import type { PoolConnection, ResetMode } from './slot.ts'
import { noteRun, type StatementInfo } from './statement.ts'
import { type TlsSettings, tlsSettings } from './tls.ts'
import { Wire } from './wire.ts'

/** Rows as postgres.js gives them: an array of objects or of arrays, with `count` and `command`. */
export type Rows = unknown[] & { command?: string; count?: number | null }

/**
 * How a statement runs: `autocommit` from a prepared plan, and once more without when that plan is stale; in a
 * `transaction` from a prepared plan, where a second try is not the connection's to decide; or `unprepared`.
 */
export type RunMode = 'autocommit' | 'transaction' | 'unprepared'

/** Follows one statement, so that it can be cancelled. */
export interface Ticket {
  /** Its place among the connection's statements; 0 until it is sent. */
  place: number
  /** Set by `cancel()`: if it was not sent yet it never is. */
  isCancelled: boolean
}

/**
 * Opens one physical connection and waits until the server has answered on it.
 *
 * @param options.timeoutMs Longest time in ms for all of it: TCP, TLS, login, first answer.
 * @param options.onLost Called once if the connection goes away later, unasked.
 * @throws {ConnectError} with the driver's error as `cause`.
 */
export async function openConnection(
  source: ConnectionSource,
  options: { timeoutMs: number; signal?: AbortSignal; onLost?: (cause: unknown) => void },
): Promise<Connection> {
  const connection = new Connection(source, options.onLost ?? (() => {}))
  try {
    await bounded(connection.open(), options.timeoutMs, options.signal)
    return connection
  } catch (error) {
    void connection.destroy()
    throw toConnectError(error, source.target, options.timeoutMs)
  }
}

const identityText =
  'select pid, backend_start::text as "startedAt" from pg_stat_get_activity(pg_backend_pid())'

// A text longer than this is generated for its values: keeping it prepared would only fill the server's memory.
const longestPrepared = 8_192
const goodbyeMs = 1_000
const cancelAgainMs = 100
// A backend that has not heard of it by then is frozen, or can't be interrupted.
const longestCancelMs = 2_000

// DISCARD ALL without DEALLOCATE ALL, which would take away the statements that the driver believes are prepared.
const discardText =
  'ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); ' +
  'DISCARD TEMP; DISCARD SEQUENCES'

const cancelUnheard = () =>
  Object.assign(new Error('The server did not act on a cancellation.'), { code: 'CANCEL_UNHEARD' })

/** One physical connection, one life: a postgres.js client that connects once and never again. */
export class Connection implements PoolConnection {
  readonly #source: ConnectionSource
  readonly #onLost: (cause: unknown) => void
  readonly #prepared = new Set<string>()
  /** Statements that wait until nothing is under way, and those behind them. */
  readonly #held: { risky: boolean; start: () => void }[] = []
  #client: Driver = null
  #submit: (query: DriverQuery) => void = () => {}
  #tls: TlsSettings | null = null
  #wire: Wire | null = null
  #backend: { pid: number; secret: number } | null = null
  #backendStartedAt: string | null = null
  #running = 0
  /** When the statement now running became the first in line. */
  #runningSince = 0
  #sent = 0
  #answered = 0
  /** Cancellations under way: until they are over nothing else is sent, or it might be hit. */
  #cancelling = 0
  /** Called when the statement at that place is the one running. */
  readonly #turns = new Map<number, () => void>()
  readonly #collateral = new WeakSet<object>()
  readonly #unreceived = new WeakSet<object>()
  #quietSince = Number.POSITIVE_INFINITY
  #onQuiet: (() => void) | null = null
  #unprepared = 0
  readonly #planEpoch: number
  readonly #staleErrors = new WeakSet<object>()
  #spokeAt = 0
  #lost: { cause: unknown } | null = null
  #ending: Promise<void> | null = null

  constructor(source: ConnectionSource, onLost: (cause: unknown) => void) {
    this.#source = source
    this.#onLost = onLost
    this.#planEpoch = source.planEpoch
  }

  /** The backend's process id; 0 before the server has answered. */
  get pid(): number {
    return this.#backend?.pid ?? 0
  }

  get inFlight(): number {
    return this.#running + this.#held.length
  }

  get spokeAt(): number {
    return this.#spokeAt
  }

  get lost(): boolean {
    return this.#lost !== null
  }

  /** True when its prepared statements are stale, or too many texts found no room among them: a new connection has none. */
  get worn(): boolean {
    return (
      this.#planEpoch !== this.#source.planEpoch ||
      this.#unprepared > this.#source.options.maxPreparedStatements
    )
  }

  /** Whether this connection threw the error because a definition changed under a prepared plan. */
  isStalePlan(error: unknown): boolean {
    return typeof error === 'object' && error !== null && this.#staleErrors.has(error)
  }

  /** Connects and waits for the first answer. Called once, by `openConnection`. */
  async open(): Promise<void> {
    const { target, options } = this.#source
    const [tls, password] = await Promise.all([tlsSettings(target, options), readPassword(target)])
    // Given up while the files were read.
    if (this.#ending) return
    this.#tls = tls
    this.#client = postgres({
      ...this.#source.driver,
      // It must not fail: nobody would hear of it, and the driver would wait for ever.
      pass: () => password,
      socket: () => this.#openSocket(),
      onclose: () => this.#closed(),
    })
    this.#submit = submitterOf(this.#client)
    const first = this.#client.unsafe(identityText)
    const types = this.#source.typesKnown ? null : this.#client.unsafe(arrayTypesText)
    const [[identity], rows] = await Promise.all([first, types])
    if (rows) addArrayTypes(this.#source.driver, rows)
    this.#source.typesKnown = true
    this.#backend = first.state
    // Behind a pooler the server's process is not the one we are connected to, and can't be looked up.
    if (identity.pid === this.pid) this.#backendStartedAt = identity.startedAt
    this.#spokeAt = performance.now()
  }

  /** When the backend was started, by the server's clock; null where a pooler stands between. */
  get backendStartedAt(): string | null {
    return this.#backendStartedAt
  }

  /** Bytes received so far. */
  get bytesRead(): number {
    return this.#wire?.bytesRead ?? 0
  }

  /** How long the statement now running has been without an answer; 0 when none runs or none could be looked up. */
  silentForMs(now: number): number {
    return this.#running > 0 && this.#backendStartedAt !== null ? now - this.#runningSince : 0
  }

  /**
   * Gives the connection up: its statements fail with ConnectionLostError.
   *
   * @param quietSince When its backend was last at work, on performance.now's clock.
   */
  giveUp(cause: unknown, quietSince: number): void {
    this.#quietSince = quietSince
    this.#lose(cause)
  }

  /** Whether the statement that failed with the error had not reached the server when it was last looked at. */
  isUnreceived(error: unknown): boolean {
    return typeof error === 'object' && error !== null && this.#unreceived.has(error)
  }

  /**
   * Runs one statement; several may be under way, and answers come in order.
   *
   * @param begin A BEGIN to run before it; if that fails the statement does not run.
   * @returns The rows, as arrays with `values`, else as objects.
   * @throws {ConnectionLostError} when the connection goes away; else what the server or the driver says.
   */
  run(
    text: string,
    parameters: readonly unknown[],
    values: boolean,
    mode: RunMode = 'autocommit',
    ticket?: Ticket,
    begin?: string,
  ): Promise<Rows> {
    const info = this.#source.catalog.info(text)
    const isQuiet = this.inFlight === 0 && this.#cancelling === 0
    const risky =
      (!isQuiet || begin !== undefined) &&
      !isPipelinable(parameters, info.types, this.#source.driver.serializers)
    // Several statements in one text can't follow BEGIN in its group.
    if (begin !== undefined && (risky || !isQuiet || info.kind !== 'plain')) {
      return this.run(begin, [], false).then(() => this.run(text, parameters, values, mode, ticket))
    }
    if (!risky && this.#held.length === 0 && this.#cancelling === 0) {
      return this.#send(text, parameters, values, mode, info, ticket, begin)
    }
    return new Promise((resolve) => {
      const start = () => resolve(this.#send(text, parameters, values, mode, info, ticket))
      this.#held.push({ risky, start })
    })
  }

  /**
   * Cancels a statement on the server; settles when nothing of the cancellation is left that could hit another.
   *
   * A cancel request reaches whatever the backend runs when it arrives. So it is sent only while the statement is the
   * one running, nothing new is sent until it has been seen to be over, and a statement behind it that it hit by a
   * hair's breadth is known by `isCollateral()`.
   */
  async cancel(ticket: Ticket): Promise<void> {
    ticket.isCancelled = true
    if (ticket.place === 0 || this.#isOver(ticket)) return
    if (ticket.place > this.#answered + 1) await this.#turn(ticket.place)
    this.#cancelling++
    const giveUpAt = performance.now() + longestCancelMs
    while (!this.#isOver(ticket) && this.#backend) {
      const delivered = await this.#askToCancel(this.#backend)
      // A request that may still be on its way could hit anybody, and one that is not heard keeps the caller: the connection goes.
      if (!delivered || performance.now() >= giveUpAt) this.#lose(cancelUnheard())
      // It may have come before the statement did: then it had no effect, and is repeated.
      await bounded(this.#turn(ticket.place + 1), cancelAgainMs).catch(() => {})
    }
    // An answer on this connection proves that the backend has seen the signal.
    if (!this.#lost && !this.#ending) await this.#client.unsafe('').catch(() => {})
    this.#cancelling--
    this.#release()
    if (this.#cancelling === 0) this.#onQuiet?.()
  }

  /** Settles when no cancellation is under way. */
  async cancelled(): Promise<void> {
    if (this.#cancelling === 0) return
    await new Promise<void>((resolve) => {
      const before = this.#onQuiet
      this.#onQuiet = () => {
        before?.()
        resolve()
      }
    })
    this.#onQuiet = null
  }

  /** Whether the error is a cancellation that was meant for another statement: this one had no effect and can run again. */
  isCollateral(error: unknown): boolean {
    return typeof error === 'object' && error !== null && this.#collateral.has(error)
  }

  #isOver(ticket: Ticket): boolean {
    return this.#answered >= ticket.place || this.#lost !== null
  }

  /** Settles when every statement before that place has been answered, or the connection is lost. */
  #turn(place: number): Promise<void> {
    if (this.#answered + 1 >= place || this.#lost) return Promise.resolve()
    return new Promise((resolve) => {
      const before = this.#turns.get(place)
      this.#turns.set(place, () => {
        before?.()
        resolve()
      })
    })
  }

  /** Asks for an answer: `select 1`, under a timer of our own because the driver has none. */
  async ping(timeoutMs: number): Promise<void> {
    await bounded(this.run('select 1', [], true), timeoutMs)
  }

  async reset(how: ResetMode, timeoutMs: number): Promise<void> {
    await bounded(this.run(how === 'discard' ? discardText : 'rollback', [], true), timeoutMs)
  }

  close(): Promise<void> {
    this.#ending ??= this.#leave()
    return this.#ending
  }

  destroy(): Promise<void> {
    this.#ending ??= this.#cut()
    return this.#ending
  }

  #send(
    text: string,
    parameters: readonly unknown[],
    values: boolean,
    mode: RunMode,
    info: StatementInfo,
    ticket?: Ticket,
    begin?: string,
  ): Promise<Rows> {
    if (this.#lost || this.#ending || ticket?.isCancelled) {
      return Promise.reject(new ConnectionLostError('not-sent', { cause: this.#lost?.cause }))
    }
    const now = performance.now()
    if (this.#running++ === 0) this.#runningSince = now
    const place = ++this.#sent
    if (ticket) ticket.place = place
    const prepare = mode !== 'unprepared' && this.#keepsPrepared(text, parameters, info)
    if (begin !== undefined) this.#wire?.writeAhead(beginMessages(begin))
    const simple = parameters.length === 0 && begin === undefined
    return new Promise((resolve) => {
      const query = new DriverQuery(
        text,
        parameters,
        { prepare, simple, values },
        (rows) => {
          info.types ??= query.statement?.types ?? null
          this.#over(info)
          resolve(begin === undefined ? rows : withoutBegin(rows))
        },
        (error) => {
          const failed = this.#failed(error, query, info)
          resolve(
            prepare && mode === 'autocommit'
              ? failed.catch((known) => this.#retryStale(known, text, parameters, values))
              : failed,
          )
        },
      )
      query.sentAt = now
      this.#submit(query)
    })
  }

  async #failed(error: unknown, query: DriverQuery, info: StatementInfo): Promise<never> {
    const lost = this.#lost !== null || isConnectionFailure(error)
    if (lost) this.#lose(error)
    // A statement that the driver itself refused is followed by a Sync of the driver's. Until that is answered another
    // such refusal would never settle, so an empty statement behind it is awaited first.
    else if (!isServerError(error)) await this.#client.unsafe('').catch(() => {})
    else if (query.prepared && isStaleCode(error)) this.#staleErrors.add(error as object)
    else if (this.#cancelling > 0 && isCancelCode(error)) this.#collateral.add(error as object)
    this.#over(info)
    if (!lost) throw error
    const known = new ConnectionLostError(query.state ? 'unknown' : 'not-sent', { cause: error })
    if (query.sentAt > this.#quietSince) this.#unreceived.add(known)
    throw known
  }

  /**
   * Runs a statement again, unprepared, whose prepared plan may be stale. It failed, so nothing of it is left; if it
   * fails again, that is its error.
   */
  async #retryStale(
    error: unknown,
    text: string,
    parameters: readonly unknown[],
    values: boolean,
  ): Promise<Rows> {
    if (!this.isStalePlan(error)) throw error
    const rows = await this.run(text, parameters, values, 'unprepared')
    this.retirePlans()
    return rows
  }

  /** Definitions have changed: every connection made until now is replaced when nobody uses it. */
  retirePlans(): void {
    if (this.#planEpoch === this.#source.planEpoch) this.#source.planEpoch++
  }

  #over(info: StatementInfo): void {
    this.#running--
    this.#answered++
    if (!this.#lost) {
      this.#spokeAt = performance.now()
      noteRun(info, this.#spokeAt - this.#runningSince)
    }
    this.#runningSince = this.#spokeAt
    if (this.#turns.size > 0) this.#callTurn()
    if (this.#held.length > 0) this.#release()
  }

  #callTurn(): void {
    const place = this.#answered + 1
    this.#turns.get(place)?.()
    this.#turns.delete(place)
  }

  /** Sends what was held, up to the next statement that must be alone. */
  #release(): void {
    if (this.#running > 0 || this.#cancelling > 0 || this.#held.length === 0) return
    do this.#held.shift()?.start()
    while (this.#held[0]?.risky === false)
  }

  /**
   * Prepares up to `maxPreparedStatements` texts. The driver can't forget one, so the rest runs unprepared, and a
   * connection that sees too many of those is `worn`.
   */
  #keepsPrepared(text: string, parameters: readonly unknown[], info: StatementInfo): boolean {
    const { prepare, maxPreparedStatements } = this.#source.options
    if (!prepare || parameters.length === 0 || info.kind !== 'plain' || text.length > longestPrepared)
      return false
    if (this.#prepared.has(text)) return true
    if (this.#prepared.size >= maxPreparedStatements) {
      if (maxPreparedStatements > 0) this.#unprepared++
      return false
    }
    this.#prepared.add(text)
    return true
  }

  /**
   * The driver connects again by itself after a loss: the second call is where that ends.
   */
  #openSocket(): Promise<Socket> {
    if (this.#wire) {
      throw Object.assign(new Error('The server closed the connection before it was ready.'), {
        code: 'CONNECTION_CLOSED',
      })
    }
    this.#wire = new Wire(this.#source.target, this.#tls)
    return this.#wire.opened
  }

  /** Asks the server to cancel what runs, encrypted if this connection is. */
  #askToCancel(backend: { pid: number; secret: number }): Promise<boolean> {
    const tls = this.#wire?.isEncrypted ? this.#tls : null
    return cancelBackend(new Wire(this.#source.target, tls), backend)
  }

  #closed(): void {
    this.#lose(Object.assign(new Error('The server closed the connection.'), { code: 'CONNECTION_CLOSED' }))
  }

  #lose(cause: unknown): void {
    if (this.#lost) return
    this.#lost = { cause }
    this.#kill()
    while (this.#held.length > 0) this.#held.shift()?.start()
    for (const call of this.#turns.values()) call()
    this.#turns.clear()
    if (!this.#ending) this.#onLost(cause)
  }

  /** Ends the socket and settles whatever the driver still holds in a queue of its own. */
  #kill(): void {
    this.#wire?.destroy()
    void this.#client?.end({ timeout: 0 })
  }

  async #leave(): Promise<void> {
    // The driver's own end() can hang; what it has not done by then is cut.
    await bounded(this.#client.end({ timeout: goodbyeMs / 1_000 }), goodbyeMs + 100).catch(() => {})
    this.#kill()
  }

  async #cut(): Promise<void> {
    if (this.#backend && this.#running > 0 && !this.#lost) {
      await this.#askToCancel(this.#backend)
    }
    this.#kill()
  }
}
