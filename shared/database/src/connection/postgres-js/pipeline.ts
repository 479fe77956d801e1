import { ConnectionLostError } from '../../errors.ts'
import type { Notice } from '../notice.ts'
import type { Failure, RunOptions, Ticket } from '../sql-connection.ts'
import { ownStatement, type Rows, type Statement } from '../statement.ts'
import { beginMessages, withoutBegin } from './begin.ts'
import { Cancellation } from './cancellation.ts'
import {
  type DriverSource,
  definitionsChanged,
  isCancelCode,
  isLostStatement,
  isPipelinable,
  isServerError,
  staleness,
} from './driver.ts'
import { type Driver, DriverQuery, submitterOf } from './driver-query.ts'
import { PreparedTexts } from './prepared-texts.ts'
import { SentStatements } from './sent-statements.ts'
import { StatementFate } from './statement-fate.ts'
import type { Wire } from './wire.ts'

export interface PipelineOptions {
  source: DriverSource
  /** Asks the server to cancel what runs; false when nobody knows whether it was asked. */
  askToCancel: () => Promise<boolean>
  /** Called when the connection turns out to be of no use any more; it must call `lose()`. */
  onLost: (cause: unknown) => void
}

interface Held {
  /** Whether it must be alone: writing its parameters may fail. */
  readonly isRisky: boolean
  readonly ticket: Ticket | undefined
  start(): void
}

const autocommit: RunOptions = {}
const noTransaction = '25P01'

const isOneStatement = ({ kind }: Statement): boolean => kind !== 'stateful' && kind !== 'copy'

/**
 * The statements of one physical connection: several may be under way, and answers come in order.
 *
 * Every statement is either held here or sent, and belongs to exactly one of the two until it is settled: by its answer, by
 * `cancel()` before it was sent, or by `lose()`. The driver is never asked to settle what a lost connection leaves.
 */
export class Pipeline {
  readonly #source: DriverSource
  readonly #onLost: (cause: unknown) => void
  readonly #prepared: PreparedTexts
  /** Statements that wait until nothing is under way, and those behind them. */
  readonly #held: Held[] = []
  readonly #sent: SentStatements
  /** Until it is over nothing else is sent, or it might be hit. */
  readonly #cancellation: Cancellation
  readonly #planEpoch: number
  readonly #failures = new WeakMap<object, { failure: Failure; query: DriverQuery }>()
  #wire: Wire | null = null
  #isPooled = false
  /** Makes a text this process's and this generation's own; empty without a pooler. */
  #planMark = ''
  #isEnding = false
  readonly #fate = new StatementFate()
  #lost: { cause: unknown } | null = null

  constructor({ source, askToCancel, onLost }: PipelineOptions) {
    this.#source = source
    this.#onLost = onLost
    this.#planEpoch = source.planEpoch
    const { prepare, maxPreparedStatements } = source.options
    this.#prepared = new PreparedTexts(prepare ? maxPreparedStatements : 0)
    this.#sent = new SentStatements({
      isOver: () => this.#isOver,
      onOver: () => {
        if (this.#held.length > 0) this.#release()
      },
    })
    this.#cancellation = new Cancellation({
      order: this.#sent.order,
      request: askToCancel,
      giveUp: onLost,
      answer: () => this.#sent.answer(),
      onOver: () => this.#release(),
    })
  }

  /** Statements handed over and not yet answered. */
  get inFlight(): number {
    return this.#sent.count + this.#held.length
  }

  /** When the server last answered, on performance.now's clock. */
  get spokeAt(): number {
    return this.#sent.spokeAt
  }

  get lost(): boolean {
    return this.#lost !== null
  }

  /** True when its prepared statements are stale, or too many texts found no room among them: a new connection has none. */
  get shouldReplace(): boolean {
    return this.#isOutdated || this.#prepared.isFull
  }

  /** Whether what is sent now would go out at once, and be hit by nothing. */
  get isClear(): boolean {
    return this.#held.length === 0 && !this.#cancellation.isUnderWay
  }

  /**
   * Whether a statement may be put behind those under way. Not where a pooler has every unprepared statement wait for a
   * connection to the server anew: how long that takes says nothing about the statement, and cancelling does not end it.
   */
  get sharable(): boolean {
    return this.isClear && this.#keepsStatements
  }

  /** Whether a statement is on its way, or at work on the server. */
  get isRunning(): boolean {
    return this.#sent.count > 0
  }

  /** Definitions have changed since it was opened: what it knows of types may be wrong. */
  get #isOutdated(): boolean {
    return this.#planEpoch !== this.#source.planEpoch
  }

  /** Whether nothing is sent any more. */
  get #isOver(): boolean {
    return this.#lost !== null || this.#isEnding
  }

  /** Whether what is prepared here is there when it is used: no pooler between loses it. */
  get #keepsStatements(): boolean {
    return !this.#isPooled || this.#source.poolers.pooler?.preparedStatements === true
  }

  /** What is known of a statement that failed with the error. */
  failureOf(error: unknown): Failure | undefined {
    return typeof error === 'object' && error !== null ? this.#failures.get(error)?.failure : undefined
  }

  /** How long the statement now running has been without an answer; 0 when none runs. */
  silentForMs(now: number): number {
    return this.#sent.silentForMs(now)
  }

  /** How long the server has been at the statement now running, as far as that can be known; 0 when none runs. */
  workedForMs(now: number): number {
    return this.#sent.workedForMs(now)
  }

  /** The server has answered for the first time, through a pooler or not: from now on statements may be run. */
  start(client: Driver, wire: Wire, isPooled: boolean): void {
    this.#wire = wire
    this.#isPooled = isPooled
    // A pooler that keeps track of prepared statements serves all who send the same text from one plan, also long after a
    // definition has changed under it.
    if (isPooled) this.#planMark = `\n/* plans ${this.#source.planOwner}.${this.#planEpoch} */`
    wire.listen((bytes) => {
      const fatal = this.#fate.read(bytes)
      if (fatal) this.#onLost(fatal)
    })
    const { allowExitOnIdle } = this.#source.options
    this.#sent.start(submitterOf(client), wire.roundTripMs, allowExitOnIdle ? wire : null)
  }

  /** A notice has come, about the statement that runs. */
  noted(notice: Notice): void {
    this.#fate.noted(notice.severity)
    // Of a rollback that has nothing to undo, as a reset sends it, callers know nothing.
    const isOwnAffair = this.#sent.first?.isOwn === true && notice.code === noTransaction
    if (!isOwnAffair) this.#source.onNotice?.(notice)
  }

  /** Sends nothing more: what is held fails, what is under way is waited for. */
  end(): void {
    this.#isEnding = true
    this.#release()
  }

  /**
   * The connection is gone: everything left on it fails.
   *
   * @param quietSince When its backend was last at work, on performance.now's clock: what was sent later it had not begun.
   *   Default: not known.
   */
  lose(cause: unknown, quietSince = Number.POSITIVE_INFINITY): void {
    if (this.#lost) return
    this.#lost = { cause }
    this.#sent.rejectAll((query, isFirst) => {
      const error = this.#fate.lost(query, isFirst, this.#isPooled, cause)
      if (error.outcome === 'rolled-back') this.#failures.set(error, { failure: 'undone', query })
      else if (!isFirst || query.sentAt > quietSince)
        this.#failures.set(error, { failure: 'not-begun', query })
      return error
    })
    this.#release()
  }

  /**
   * Settles what no answer and no loss has settled, and says how much that was: each one is a defect of this layer. A
   * statement is held for good when nothing is under way that it could wait for.
   */
  settleStranded(): number {
    const isStuck = this.#sent.count === 0 && !this.#cancellation.isUnderWay
    const stranded = this.#lost ? this.inFlight : isStuck ? this.#held.length : 0
    if (stranded === 0) return 0
    this.#onLost(new Error('Statements were left on a connection without an answer.'))
    this.#sent.rejectAll(() => new ConnectionLostError('unknown'))
    this.#release()
    return stranded
  }

  /**
   * Runs one statement; several may be under way, and answers come in order.
   *
   * @returns The rows, as arrays with `values`, else as objects.
   * @throws {ConnectionLostError} when the connection is lost; else what the server or the driver throws.
   */
  run(
    given: Statement | string,
    parameters: readonly unknown[],
    values: boolean,
    options: RunOptions = autocommit,
  ): Promise<Rows> {
    const { begin, ticket } = options
    const statement = typeof given === 'string' ? ownStatement(given) : given
    const isQuiet = this.inFlight === 0 && !this.#cancellation.isUnderWay
    const isRisky =
      (!isQuiet || begin !== undefined) && !isPipelinable(parameters, statement.types, this.#source)
    // Several statements in one text can't follow BEGIN in its group.
    if (begin !== undefined && (isRisky || !isQuiet || !isOneStatement(statement))) {
      const { mode, isAllText, comment } = options
      const rest = { mode, ticket, isAllText, comment }
      return this.run(begin, [], false).then(() => this.run(statement, parameters, values, rest))
    }
    if (isQuiet || this.#isOver || (!isRisky && this.isClear))
      return this.#send(statement, parameters, values, options)
    return new Promise((resolve) => {
      const start = () => resolve(this.#send(statement, parameters, values, options))
      this.#held.push({ isRisky, ticket, start })
    })
  }

  /** Cancels a statement on the server; settles when nothing of the cancellation is left that could hit another. */
  cancel(ticket: Ticket): Promise<void> {
    const cancelled = this.#cancellation.cancel(ticket)
    const held = this.#held.findIndex((one) => one.ticket === ticket)
    if (held >= 0) this.#held.splice(held, 1)[0]?.start()
    this.#release()
    return cancelled
  }

  /** Cancels the statement that runs, to run it elsewhere; null where there is none that may be. Settles when it is over. */
  preempt(): Promise<void> | null {
    const ticket = this.#sent.first?.ticket
    if (!ticket || ticket.isPreempted || ticket.isCancelled) return null
    return this.#cancellation.preempt(ticket)
  }

  /** Settles when every statement that was sent until now is over. */
  answered(): Promise<void> {
    return this.#sent.order.allAnswered()
  }

  /** Settles when no cancellation is under way. */
  cancelled(): Promise<void> {
    return this.#cancellation.settled()
  }

  /** Definitions have changed: every connection made until now is replaced when nobody uses it. */
  retirePlans(): void {
    if (!this.#isOutdated) definitionsChanged(this.#source)
  }

  /**
   * Whether the plan of a statement that failed is stale: the server, asked anew, gives its parameters other types. It is
   * asked for the types only; the statement does not run.
   */
  async confirmStale(error: unknown): Promise<boolean> {
    const query = this.#failures.get(error as object)?.query
    if (!query?.statement) return false
    if (staleness(error) === 'certain') return true
    const before = query.statement.types.join()
    try {
      return before !== (await this.#sent.describe(query.strings[0] as string, query.args)).join()
    } catch {
      // What can't be described now fails by itself.
      return false
    }
  }

  #send(
    statement: Statement,
    parameters: readonly unknown[],
    values: boolean,
    { mode = 'autocommit', ticket, begin, isAllText, comment = '' }: RunOptions,
  ): Promise<Rows> {
    if (this.#isOver || ticket?.isCancelled) {
      return Promise.reject(new ConnectionLostError('not-sent', { cause: this.#lost?.cause }))
    }
    const mayPrepare =
      mode !== 'unprepared' && !this.#isOutdated && !this.#source.plansHeld && this.#keepsStatements
    const { text, isOwn: own = false } = statement
    const prepare = mayPrepare && this.#prepared.keeps(statement, parameters)
    if (ticket) ticket.isPrepared = prepare
    if (begin !== undefined) this.#wire?.writeAhead(beginMessages(begin))
    const simple = parameters.length === 0 && begin === undefined
    return new Promise((resolve, reject) => {
      const query: DriverQuery = new DriverQuery(
        text,
        parameters,
        {
          prepare,
          simple,
          values,
          mark: prepare ? comment + this.#planMark : comment,
          own,
          isAllText,
          asBytes: own && this.#source.ownTypes !== null,
        },
        (rows) => {
          if (statement.types === null && !this.#isOutdated) statement.types = query.statement?.types ?? null
          const error = this.#fate.unreplicated(this.#cancellation.isUnderWay, statement.effect !== 'none')
          this.#sent.over(query, statement)
          if (error) return reject(error)
          resolve(begin === undefined ? rows : withoutBegin(rows))
        },
        (error) => {
          if (this.#lost) return reject(error)
          if (!isServerError(error)) return resolve(this.#refused(error, query, statement))
          const isShared = prepare && this.#isPooled
          const isLost = isShared && isLostStatement(error)
          if (isLost) this.#source.poolers.lostStatement()
          // Behind a pooler a plan may be older than the connection that asks for it.
          if (isLost || ((query.prepared || isShared) && staleness(error)))
            this.#failures.set(error as object, { failure: 'maybe-stale', query })
          else if (this.#cancellation.isUnderWay && isCancelCode(error))
            this.#failures.set(error as object, { failure: 'cancelled-by-mistake', query })
          this.#sent.over(query, statement)
          if (mode !== 'autocommit' || this.failureOf(error) !== 'maybe-stale') return reject(error)
          resolve(this.#runAgainIfStale(error, statement, parameters, values, { ticket, comment }))
        },
      )
      this.#sent.hand(query, ticket)
    })
  }

  /**
   * A statement that the driver itself refused is followed by a Sync of the driver's. Until that is answered another such
   * refusal would never settle, so it is not over before an empty statement behind it is.
   */
  async #refused(error: unknown, query: DriverQuery, statement: Statement): Promise<never> {
    await this.#sent.answer()
    this.#sent.over(query, statement)
    throw error
  }

  /** It failed, so nothing of it is left; if it fails again, that is its error. */
  async #runAgainIfStale(
    error: unknown,
    statement: Statement,
    parameters: readonly unknown[],
    values: boolean,
    options: RunOptions,
  ): Promise<Rows> {
    if (!(await this.confirmStale(error))) throw error
    this.retirePlans()
    return this.run(statement, parameters, values, { ...options, mode: 'unprepared' })
  }

  /** Sends what was held, up to the next statement that must be alone; one that can't be sent any more fails here. */
  #release(): void {
    const canSend = () => this.#sent.count === 0 || this.#held[0]?.isRisky === false
    while (this.#held.length > 0 && (this.#isOver || (!this.#cancellation.isUnderWay && canSend()))) {
      this.#held.shift()?.start()
    }
  }
}
