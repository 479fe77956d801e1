import { describeLimit, StatementTimeoutError } from '@shared/pool'
import type { Rows, RunStatement } from '../connection/statement.ts'
import { ConnectionLostError, LeaseEndedError } from '../errors.ts'
import { noteBackend, noteModes, type TransactionMessage } from '../tracing/messages.ts'
import type { ExclusiveConnection } from './exclusive-connection.ts'
import { spentOn } from './work.ts'

/** What can be done inside a transaction, or inside a savepoint of it; nothing after its end. */
export interface TransactionScope {
  readonly run: RunStatement
  /** Runs `fn` inside a savepoint: what it did is undone when it throws, or a statement in it failed. */
  readonly savepoint: <T>(fn: (scope: TransactionScope) => Promise<T>) => Promise<T>
}

/**
 * Runs `fn` in a transaction on an exclusive connection: BEGIN together with its first statement, COMMIT when it returns,
 * ROLLBACK when it throws or any of its statements failed. A lost connection is sent nothing more. Once the caller's time is
 * over it is not kept waiting: no COMMIT is begun, and one that is under way goes on by itself, as ROLLBACK does.
 *
 * A driver's own transactions are not used: they may send ROLLBACK on a connection that is lost.
 *
 * @param message Is told where it runs, what BEGIN asks for and how COMMIT ended. Default: none.
 * @returns What `fn` returns.
 * @throws {ConnectionLostError} `rolled-back` when the connection was lost before COMMIT, `unknown` when during it or when COMMIT
 *   was not answered in time; else what `fn` or its first failed statement threw.
 */
export function runTransaction<T>(
  exclusive: ExclusiveConnection,
  fn: (scope: TransactionScope) => Promise<T>,
  message: TransactionMessage | null = null,
): Promise<T> {
  if (message) {
    noteBackend(message, exclusive.connection)
    message.waitMs ??= performance.now() - message.startedAt
  }
  return new Transaction(exclusive, message).run(fn)
}

/** The state of a transaction's or a savepoint's callback while it runs. */
interface State {
  ended: boolean
  /** The first statement that failed in it. */
  failure: { error: unknown } | null
}

class Transaction {
  readonly #exclusive: ExclusiveConnection
  readonly #message: TransactionMessage | null
  #begin = 'begin'
  /** The first statement, which BEGIN went with; until it is answered no other may follow. */
  #first: Promise<Rows> | null = null
  #savepoints = 0

  constructor(exclusive: ExclusiveConnection, message: TransactionMessage | null) {
    this.#exclusive = exclusive
    this.#message = message
  }

  async run<T>(fn: (scope: TransactionScope) => Promise<T>): Promise<T> {
    const state: State = { ended: false, failure: null }
    try {
      const result = await fn(this.#scopeOf(state))
      // As Drizzle's users know it: a failed statement fails the transaction, also when fn caught its error.
      if (state.failure) throw state.failure.error
      if (this.#first) this.#exclusive.signal?.throwIfAborted()
      state.ended = true
      if (this.#first) await this.#commit()
      return result
    } catch (error) {
      if (this.#first && !state.ended) await this.#rollback()
      state.ended = true
      throw error
    }
  }

  #scopeOf(state: State): TransactionScope {
    return {
      run: (text, parameters, values) => this.#statement(state, text, parameters, values),
      savepoint: (fn) => this.#savepoint(state, fn),
    }
  }

  async #statement(
    state: State,
    text: string,
    parameters: readonly unknown[],
    values: boolean,
  ): Promise<Rows> {
    if (state.ended) throw new LeaseEndedError()
    try {
      if (this.#first) {
        await this.#first.catch((error) => this.#afterFailed(error))
        return await this.#exclusive.run(text, parameters, values, 'transaction')
      }
      // Drizzle sets the modes by a statement of its own, always the first: they go into BEGIN instead. A snapshot can't.
      const modes = this.#begin === 'begin' ? /^set transaction( (?!snapshot\b).*)$/is.exec(text) : null
      if (modes) {
        this.#begin = `begin${modes[1]}`
        return []
      }
      this.#first = this.#start(text, parameters, values)
      return await this.#first
    } catch (error) {
      const known = rolledBack(error)
      state.failure ??= { error: known }
      throw known
    }
  }

  async #start(text: string, parameters: readonly unknown[], values: boolean): Promise<Rows> {
    const { connection } = this.#exclusive
    if (this.#message) noteModes(this.#message, this.#begin)
    try {
      return await this.#exclusive.run(text, parameters, values, 'transaction', this.#begin)
    } catch (error) {
      if (connection.failureOf(error) !== 'maybe-stale') throw error
      // With nothing done yet the transaction can begin anew, without prepared plans.
      await this.#exclusive.finish(connection.run('rollback', [], false), atStatement)
      if (!(await connection.confirmStale(error))) throw error
      await this.#exclusive.finish(connection.run(this.#begin, [], false), atStatement)
      connection.retirePlans()
      return await this.#exclusive.run(text, parameters, values, 'unprepared')
    }
  }

  /**
   * What follows a failed first statement fails too. If the server says that the transaction is aborted, that is the error;
   * if it does not, BEGIN was what failed, and a statement would run outside.
   */
  async #afterFailed(error: unknown): Promise<never> {
    await this.#exclusive.ask('select 1')
    throw error
  }

  async #savepoint<T>(outer: State, fn: (scope: TransactionScope) => Promise<T>): Promise<T> {
    const name = `s${this.#savepoints++}`
    await this.#statement(outer, `savepoint ${name}`, [], false)
    const state: State = { ended: false, failure: null }
    try {
      const result = await fn(this.#scopeOf(state))
      if (state.failure) throw state.failure.error
      return result
    } catch (error) {
      // If this fails too the outer scope has the failure, and the caller still gets the first error.
      if (!this.#exclusive.connection.lost)
        await this.#statement(outer, `rollback to ${name}`, [], false).catch(() => {})
      throw error
    } finally {
      state.ended = true
    }
  }

  async #commit(): Promise<void> {
    const sent = this.#exclusive.connection.run('commit', [], false)
    const isReadOnly = /\bread only\b/i.test(this.#begin)
    let answer: Rows
    try {
      answer = await this.#exclusive.finish(isReadOnly ? sent : this.#exclusive.followed(sent), unanswered)
    } catch (error) {
      if (error instanceof ConnectionLostError && !isReadOnly) this.#exclusive.noteUnknownWrite()
      if (this.#message && error instanceof ConnectionLostError && error.outcome === 'unknown')
        this.#message.outcome = 'unknown'
      throw error instanceof ConnectionLostError && error.outcome === 'not-sent' ? rolledBack(error) : error
    }
    if (answer.command === 'ROLLBACK') {
      throw new Error(
        'The server rolled back at COMMIT: a statement that nobody awaited had failed in this transaction.',
      )
    }
  }

  /** A connection that can't roll back must not be used again; the caller still gets the error that led here. */
  async #rollback(): Promise<void> {
    const { connection } = this.#exclusive
    if (connection.lost) return
    const done = connection.run('rollback', [], false).catch(() => connection.destroy())
    await this.#exclusive.finish<unknown>(done, atStatement).catch(() => {})
  }
}

function rolledBack(error: unknown): unknown {
  return error instanceof ConnectionLostError
    ? new ConnectionLostError('rolled-back', { cause: error.cause })
    : error
}

const atStatement = (reason: unknown) => spentOn('statement', reason)

/** The caller's time was over, or its signal fired, while COMMIT was under way. */
function unanswered(reason: unknown): ConnectionLostError {
  const cause = spentOn('commit', reason)
  const deadline = cause instanceof StatementTimeoutError ? cause.deadline : null
  const what = deadline ? `${describeLimit(deadline)} were over` : "its caller's signal fired"
  return new ConnectionLostError('unknown', {
    cause,
    deadline,
    message: `COMMIT had not been answered when ${what}. It goes on, and may take effect: check before repeating it.`,
  })
}
