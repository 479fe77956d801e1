import { bounded, PoolClosedError, startTimer } from '@shared/pool'
import type { OpenOptions, SqlConnection } from './sql-connection.ts'

export interface SideConnectionOptions {
  /** The pool's name, for the error after `close()`. */
  name: string
  open: (options: OpenOptions) => Promise<SqlConnection>
  /** Whether a connection leads to a server that is not the one to ask any more. */
  isStale?: (connection: SqlConnection) => boolean
  /** Longest time in ms for one question, connecting included. Default 2 000. */
  timeoutMs?: number
}

const usualMs = 2_000

const lossPollMs = 5
const leastMs = 250

/**
 * A connection outside the pool, for questions about the server: a saturated pool is not an unreachable server. It is opened
 * at the first question, and anew after one that failed.
 */
export class SideConnection {
  readonly #options: SideConnectionOptions
  readonly #closing = new AbortController()
  #connection: SqlConnection | null = null
  /** Settles when the server has let go of connections dropped before. */
  #dropped: Promise<unknown> = Promise.resolve()
  /** One question at a time: all go over the same connection. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: SideConnectionOptions) {
    this.#options = options
  }

  /**
   * Asks one question, after those before it.
   *
   * @param question Gets the connection, and what is left of the time.
   * @param timeoutMs Longest time for it, in place of the usual one.
   * @throws {ConnectError} when there is no connection; StatementTimeoutError when the time is over; what `question` throws.
   */
  ask<T>(
    question: (connection: SqlConnection, leftMs: number) => Promise<T>,
    timeoutMs = this.#options.timeoutMs ?? usualMs,
  ): Promise<T> {
    const answer = this.#turn.then(() => this.#ask(question, timeoutMs))
    this.#turn = answer.catch(() => {})
    return answer
  }

  /**
   * Whether the connection that there was has been lost, or is within so many ms: a server that is shut down ends every session. An end
   * that had arrived by then counts, also where the event loop was blocked.
   */
  async isLostWithin(ms: number): Promise<boolean> {
    const connection = this.#connection
    let isOver = false
    const stopTimer = startTimer(ms, () => {
      isOver = true
    })
    while (connection && !connection.lost && !isOver)
      await new Promise((resolve) => setTimeout(resolve, lossPollMs))
    stopTimer()
    return connection?.lost === true
  }

  /** Closes the connection after the questions before; the next one opens another. */
  giveBack(): void {
    this.#turn = this.#turn.then(() => {
      if (this.#connection) this.#drop(this.#connection)
    })
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  async close(): Promise<void> {
    this.#closing.abort(new PoolClosedError(this.#options.name))
    await this.#connection?.close()
    await this.#turn
    await this.#dropped
  }

  async #ask<T>(
    question: (connection: SqlConnection, leftMs: number) => Promise<T>,
    timeoutMs: number,
  ): Promise<T> {
    const { signal } = this.#closing
    signal.throwIfAborted()
    const deadline = performance.now() + timeoutMs
    if (this.#connection?.lost) this.#connection = null
    if (this.#connection && this.#options.isStale?.(this.#connection)) this.#drop(this.#connection)
    this.#connection ??= await this.#open(timeoutMs)
    const own = this.#connection
    try {
      signal.throwIfAborted()
      // Where the time is over by now it was this process that had none, and the server has not been asked yet.
      const leftMs = Math.max(leastMs, deadline - performance.now())
      return await bounded(question(own, leftMs), leftMs)
    } catch (error) {
      this.#drop(own)
      throw error
    }
  }

  #drop(connection: SqlConnection): void {
    this.#connection = null
    this.#dropped = Promise.all([this.#dropped, connection.destroy()])
  }

  async #open(timeoutMs: number): Promise<SqlConnection> {
    const { signal } = this.#closing
    try {
      return await this.#options.open({ timeoutMs, signal })
    } catch (error) {
      signal.throwIfAborted()
      throw error
    }
  }
}
