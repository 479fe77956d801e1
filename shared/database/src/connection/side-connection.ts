import { bounded, PoolClosedError } from '@shared/pool'
import type { OpenOptions, SqlConnection } from './sql-connection.ts'

export interface SideConnectionOptions {
  /** The pool's name, for the error after `close()`. */
  name: string
  open: (options: OpenOptions) => Promise<SqlConnection>
  /** Longest time in ms for one question, connecting included. Default 2 000. */
  timeoutMs?: number
}

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
   * @throws {ConnectError} when there is no connection; StatementTimeoutError when the time is over; what `question` throws.
   */
  ask<T>(question: (connection: SqlConnection, leftMs: number) => Promise<T>): Promise<T> {
    const answer = this.#turn.then(() => this.#ask(question))
    this.#turn = answer.catch(() => {})
    return answer
  }

  async close(): Promise<void> {
    this.#closing.abort(new PoolClosedError(this.#options.name))
    await this.#connection?.close()
    await this.#turn
    await this.#dropped
  }

  async #ask<T>(question: (connection: SqlConnection, leftMs: number) => Promise<T>): Promise<T> {
    const { timeoutMs = 2_000 } = this.#options
    const { signal } = this.#closing
    signal.throwIfAborted()
    const deadline = performance.now() + timeoutMs
    if (this.#connection?.lost) this.#connection = null
    this.#connection ??= await this.#open(timeoutMs)
    const own = this.#connection
    try {
      signal.throwIfAborted()
      const leftMs = Math.max(1, deadline - performance.now())
      return await bounded(question(own, leftMs), leftMs)
    } catch (error) {
      this.#connection = null
      this.#dropped = Promise.all([this.#dropped, own.destroy()])
      throw error
    }
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
