import type { Socket } from 'node:net'
import postgres from 'postgres'
import { addArrayTypes, arrayTypesText } from './array-types.ts'
import { beginMessages, withoutBegin } from './begin.ts'
import { bounded } from './bounded.ts'
import { cancelBackend } from './cancel.ts'
import { Cancellation, type Ticket } from './cancellation.ts'
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
import { PreparedTexts } from './prepared-texts.ts'
import type { PoolConnection, ResetMode } from './slot.ts'
import { noteRun, type StatementInfo } from './statement.ts'
import { type TlsSettings, tlsSettings } from './tls.ts'
import { Turns } from './turns.ts'
import { Wire } from './wire.ts'

/** Rows as postgres.js gives them: an array of objects or of arrays, with `count` and `command`. */
export type Rows = unknown[] & { command?: string; count?: number | null }

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
}

/**
 * What is known of a statement that failed, beside its error: its prepared plan was `stale`; a cancellation meant for
 * another hit it, so that it had no effect (`collateral`); or the server had not received it when it was last looked at
 * (`unreceived`).
 */
export type Fate = 'stale' | 'collateral' | 'unreceived'

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

const goodbyeMs = 1_000

// DISCARD ALL without DEALLOCATE ALL, which would take away the statements that the driver believes are prepared.
const discardText =
  'ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); ' +
  'DISCARD TEMP; DISCARD SEQUENCES'

const autocommit: RunOptions = {}

/** One physical connection, one life: a postgres.js client that connects once and never again. */
export class Connection implements PoolConnection {
  readonly #source: ConnectionSource
  readonly #onLost: (cause: unknown) => void
  readonly #prepared: PreparedTexts
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
  readonly #turns = new Turns()
  /** Until it is over nothing else is sent, or it might be hit. */
  readonly #cancellation = new Cancellation({
    turns: this.#turns,
    request: () => this.#askToCancel(),
    giveUp: (cause) => this.#lose(cause),
    answer: async () => {
      if (!this.#lost && !this.#ending) await this.#client.unsafe('').catch(() => {})
    },
    onOver: () => this.#release(),
  })
  #quietSince = Number.POSITIVE_INFINITY
  readonly #planEpoch: number
  readonly #fates = new WeakMap<object, Fate>()
  #spokeAt = 0
  #lost: { cause: unknown } | null = null
  #ending: Promise<void> | null = null

  constructor(source: ConnectionSource, onLost: (cause: unknown) => void) {
    this.#source = source
    this.#onLost = onLost
    this.#planEpoch = source.planEpoch
    const { prepare, maxPreparedStatements } = source.options
    this.#prepared = new PreparedTexts(prepare ? maxPreparedStatements : 0)
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
    return this.#planEpoch !== this.#source.planEpoch || this.#prepared.worn
  }

  /** What this connection knows of a statement that failed with the error. */
  fateOf(error: unknown): Fate | undefined {
    return typeof error === 'object' && error !== null ? this.#fates.get(error) : undefined
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

  /**
   * Runs one statement; several may be under way, and answers come in order.
   *
   * @returns The rows, as arrays with `values`, else as objects.
   * @throws {ConnectionLostError} when the connection goes away; else what the server or the driver says.
   */
  run(
    text: string,
    parameters: readonly unknown[],
    values: boolean,
    options: RunOptions = autocommit,
  ): Promise<Rows> {
    const { begin } = options
    const info = this.#source.catalog.info(text)
    const isQuiet = this.inFlight === 0 && !this.#cancellation.isUnderWay
    const risky =
      (!isQuiet || begin !== undefined) &&
      !isPipelinable(parameters, info.types, this.#source.driver.serializers)
    // Several statements in one text can't follow BEGIN in its group.
    if (begin !== undefined && (risky || !isQuiet || info.kind !== 'plain')) {
      const { mode, ticket } = options
      return this.run(begin, [], false).then(() => this.run(text, parameters, values, { mode, ticket }))
    }
    if (!risky && this.#held.length === 0 && !this.#cancellation.isUnderWay) {
      return this.#send(text, parameters, values, info, options)
    }
    return new Promise((resolve) => {
      const start = () => resolve(this.#send(text, parameters, values, info, options))
      this.#held.push({ risky, start })
    })
  }

  /** Cancels a statement on the server; settles when nothing of the cancellation is left that could hit another. */
  cancel(ticket: Ticket): Promise<void> {
    return this.#cancellation.cancel(ticket)
  }

  /** Settles when no cancellation is under way. */
  cancelled(): Promise<void> {
    return this.#cancellation.settled()
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
    info: StatementInfo,
    { mode = 'autocommit', ticket, begin }: RunOptions,
  ): Promise<Rows> {
    if (this.#lost || this.#ending || ticket?.isCancelled) {
      return Promise.reject(new ConnectionLostError('not-sent', { cause: this.#lost?.cause }))
    }
    const now = performance.now()
    if (this.#running++ === 0) this.#runningSince = now
    const place = this.#turns.take()
    if (ticket) ticket.place = place
    const prepare = mode !== 'unprepared' && this.#prepared.keeps(text, parameters, info)
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
    else if (query.prepared && isStaleCode(error)) this.#fates.set(error as object, 'stale')
    else if (this.#cancellation.isUnderWay && isCancelCode(error))
      this.#fates.set(error as object, 'collateral')
    this.#over(info)
    if (!lost) throw error
    const known = new ConnectionLostError(query.state ? 'unknown' : 'not-sent', { cause: error })
    if (query.sentAt > this.#quietSince) this.#fates.set(known, 'unreceived')
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
    if (this.fateOf(error) !== 'stale') throw error
    const rows = await this.run(text, parameters, values, { mode: 'unprepared' })
    this.retirePlans()
    return rows
  }

  /** Definitions have changed: every connection made until now is replaced when nobody uses it. */
  retirePlans(): void {
    if (this.#planEpoch === this.#source.planEpoch) this.#source.planEpoch++
  }

  #over(info: StatementInfo): void {
    this.#running--
    if (!this.#lost) {
      this.#spokeAt = performance.now()
      noteRun(info, this.#spokeAt - this.#runningSince)
    }
    this.#runningSince = this.#spokeAt
    this.#turns.pass()
    if (this.#held.length > 0) this.#release()
  }

  /** Sends what was held, up to the next statement that must be alone. */
  #release(): void {
    if (this.#running > 0 || this.#cancellation.isUnderWay || this.#held.length === 0) return
    do this.#held.shift()?.start()
    while (this.#held[0]?.risky === false)
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
  async #askToCancel(): Promise<boolean> {
    if (!this.#backend) return false
    const tls = this.#wire?.isEncrypted ? this.#tls : null
    return cancelBackend(new Wire(this.#source.target, tls), this.#backend)
  }

  #closed(): void {
    this.#lose(Object.assign(new Error('The server closed the connection.'), { code: 'CONNECTION_CLOSED' }))
  }

  #lose(cause: unknown): void {
    if (this.#lost) return
    this.#lost = { cause }
    this.#kill()
    while (this.#held.length > 0) this.#held.shift()?.start()
    this.#turns.end()
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
    if (this.#running > 0 && !this.#lost) await this.#askToCancel()
    this.#kill()
  }
}
