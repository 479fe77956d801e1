import { deferred } from '@shared/pool'
import { ConnectionLostError } from '../../errors.ts'
import type { Ticket } from '../sql-connection.ts'
import { noteRun, type Statement } from '../statement.ts'
import { AnswerOrder } from './answer-order.ts'
import { DriverQuery } from './driver-query.ts'

/** What keeps the process alive while it is referenced: a socket. */
export interface KeepAlive {
  ref(): void
  unref(): void
}

export interface SentStatementsOptions {
  /** Whether nothing is sent any more. */
  isOver: () => boolean
  /** Called when one of them is over. */
  onOver: () => void
}

/**
 * The statements of one connection that were handed to the driver and are not answered, in order, and how long the server
 * takes for them.
 */
export class SentStatements {
  readonly order = new AnswerOrder()
  readonly #options: SentStatementsOptions
  readonly #queries = new Set<DriverQuery>()
  #submit: (query: DriverQuery) => void = () => {}
  /** When the statement now running became the first. */
  #runningSince = 0
  /** The shortest time in which an answer came to a statement that was sent alone: what the network takes of each. */
  #roundTripMs = 0
  #spokeAt = 0
  /** What lets the process end while nothing is under way; null where nothing does. */
  #keepAlive: KeepAlive | null = null

  constructor(options: SentStatementsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#queries.size
  }

  /** The one that runs. */
  get first(): DriverQuery | undefined {
    const [first] = this.#queries
    return first
  }

  /** When the server last answered, on performance.now's clock. */
  get spokeAt(): number {
    return this.#spokeAt
  }

  /** How long the statement now running has been without an answer; 0 when none runs. */
  silentForMs(now: number): number {
    return this.#queries.size > 0 ? now - this.#runningSince : 0
  }

  /** How long the server has been at the statement now running, as far as that can be known; 0 when none runs. */
  workedForMs(now: number): number {
    return Math.max(0, this.silentForMs(now) - this.#roundTripMs)
  }

  /**
   * The server has answered for the first time.
   *
   * @param submit Hands a statement to the driver.
   * @param roundTripMs What the network took when the connection was opened.
   * @param keepAlive Keeps the process alive only while something is under way; null: always.
   */
  start(submit: (query: DriverQuery) => void, roundTripMs: number, keepAlive: KeepAlive | null = null): void {
    this.#submit = submit
    this.#keepAlive = keepAlive
    keepAlive?.unref()
    this.#roundTripMs = roundTripMs
    this.#spokeAt = performance.now()
  }

  hand(query: DriverQuery, ticket?: Ticket): void {
    const now = performance.now()
    if (this.#queries.size === 0) {
      this.#runningSince = now
      this.#keepAlive?.ref()
    }
    query.sentAt = now
    const position = this.order.take()
    if (ticket) ticket.position = position
    query.ticket = ticket
    this.#queries.add(query)
    this.#submit(query)
  }

  /** @param statement What is to be known of it; null for one of this class's own. */
  over(query: DriverQuery, statement: Statement | null): void {
    if (!this.#queries.delete(query)) return
    this.#spokeAt = performance.now()
    const tookMs = this.#spokeAt - this.#runningSince
    const wasSentAlone = query.sentAt === this.#runningSince
    if (wasSentAlone && tookMs < this.#roundTripMs) this.#roundTripMs = tookMs
    if (statement) noteRun(statement, wasSentAlone ? tookMs - this.#roundTripMs : tookMs)
    this.#runningSince = this.#spokeAt
    this.order.pass()
    this.#options.onOver()
    if (this.#queries.size === 0) this.#keepAlive?.unref()
  }

  /** Settles when the server has answered an empty statement, or never will. */
  answer(): Promise<void> {
    if (this.#options.isOver()) return Promise.resolve()
    return new Promise((resolve) => {
      const over = () => {
        this.over(query, null)
        resolve()
      }
      const query: DriverQuery = new DriverQuery(
        '',
        [],
        { prepare: false, simple: true, values: true },
        over,
        over,
      )
      this.hand(query)
    })
  }

  /** Asks for the types of a statement's parameters; the statement does not run. */
  async describe(text: string, parameters: readonly unknown[]): Promise<number[]> {
    if (this.#options.isOver()) throw new ConnectionLostError('not-sent')
    const { promise, resolve, reject } = deferred<number[]>()
    const query = new DriverQuery(
      text,
      parameters,
      { prepare: false, simple: false, values: true },
      () => resolve(query.statement?.types ?? []),
      reject,
    )
    query.onlyDescribe = true
    this.hand(query)
    try {
      return await promise
    } finally {
      // It is answered before its own Sync is.
      await this.answer()
      this.over(query, null)
    }
  }

  /** Nothing is answered any more: rejects each, the first one first. */
  rejectAll(errorOf: (query: DriverQuery, isFirst: boolean) => Error): void {
    this.order.end()
    let isFirst = true
    for (const query of [...this.#queries]) {
      query.reject(errorOf(query, isFirst))
      isFirst = false
    }
    this.#queries.clear()
  }
}
