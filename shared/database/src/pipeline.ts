import { beginMessages, withoutBegin } from './begin.ts'
import { Cancellation, type Ticket } from './cancellation.ts'
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
import { PreparedTexts } from './prepared-texts.ts'
import { noteRun, type StatementInfo } from './statement.ts'
import { Turns } from './turns.ts'
import type { Wire } from './wire.ts'

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

export interface PipelineOptions {
  source: ConnectionSource
  /** Asks the server to cancel what runs; false when nobody knows whether it was asked. */
  askToCancel: () => Promise<boolean>
  /** Called when the connection turns out to be of no use any more; it must call `lose()`. */
  onLost: (cause: unknown) => void
}

const autocommit: RunOptions = {}

/** The statements of one physical connection: several may be under way, and answers come in order. */
export class Pipeline {
  readonly #source: ConnectionSource
  readonly #onLost: (cause: unknown) => void
  readonly #prepared: PreparedTexts
  /** Statements that wait until nothing is under way, and those behind them. */
  readonly #held: { risky: boolean; start: () => void }[] = []
  readonly #turns = new Turns()
  /** Until it is over nothing else is sent, or it might be hit. */
  readonly #cancellation: Cancellation
  readonly #planEpoch: number
  readonly #fates = new WeakMap<object, Fate>()
  #client: Driver = null
  #wire: Wire | null = null
  #submit: (query: DriverQuery) => void = () => {}
  #running = 0
  /** When the statement now running became the first in line. */
  #runningSince = 0
  #spokeAt = 0
  #isEnding = false
  #lost: { cause: unknown } | null = null
  #quietSince = Number.POSITIVE_INFINITY

  constructor({ source, askToCancel, onLost }: PipelineOptions) {
    this.#source = source
    this.#onLost = onLost
    this.#planEpoch = source.planEpoch
    const { prepare, maxPreparedStatements } = source.options
    this.#prepared = new PreparedTexts(prepare ? maxPreparedStatements : 0)
    this.#cancellation = new Cancellation({
      turns: this.#turns,
      request: askToCancel,
      giveUp: onLost,
      answer: async () => {
        if (!this.#lost && !this.#isEnding) await this.#client.unsafe('').catch(() => {})
      },
      onOver: () => this.#release(),
    })
  }

  /** Statements handed over and not yet answered. */
  get inFlight(): number {
    return this.#running + this.#held.length
  }

  /** When the server last answered. */
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

  /** What is known of a statement that failed with the error. */
  fateOf(error: unknown): Fate | undefined {
    return typeof error === 'object' && error !== null ? this.#fates.get(error) : undefined
  }

  /** Whether a statement is on its way, or at work on the server. */
  get isRunning(): boolean {
    return this.#running > 0
  }

  /** How long the statement now running has been without an answer; 0 when none runs. */
  silentForMs(now: number): number {
    return this.isRunning ? now - this.#runningSince : 0
  }

  /** The server has answered for the first time: from now on statements may be run. */
  start(client: Driver, wire: Wire): void {
    this.#client = client
    this.#wire = wire
    this.#submit = submitterOf(client)
    this.#spokeAt = performance.now()
  }

  /** Sends nothing more. */
  end(): void {
    this.#isEnding = true
  }

  /** The connection is gone: what was not sent fails. The driver, once it is ended, fails the rest. */
  lose(cause: unknown, quietSince: number): void {
    this.#lost = { cause }
    this.#quietSince = quietSince
    while (this.#held.length > 0) this.#held.shift()?.start()
    this.#turns.end()
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

  /** Definitions have changed: every connection made until now is replaced when nobody uses it. */
  retirePlans(): void {
    if (this.#planEpoch === this.#source.planEpoch) this.#source.planEpoch++
  }

  #send(
    text: string,
    parameters: readonly unknown[],
    values: boolean,
    info: StatementInfo,
    { mode = 'autocommit', ticket, begin }: RunOptions,
  ): Promise<Rows> {
    if (this.#lost || this.#isEnding || ticket?.isCancelled) {
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
    if (lost) this.#onLost(error)
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
}
