import { ConfigurationError } from '@shared/pool'
import type { CopyExchange } from '../connection/copy-exchange.ts'
import {
  createTicket,
  type RunMode,
  type RunOptions,
  type SqlConnection,
} from '../connection/sql-connection.ts'
import { mayHaveDefined, type Rows, type Statement } from '../connection/statement.ts'
import { LeaseEndedError } from '../errors.ts'
import type { StatementMessage } from '../tracing/statement-message.ts'
import type { Tracer } from '../tracing/tracer.ts'
import { localSettings } from './local-settings.ts'
import type { StatementCatalog } from './statement-catalog.ts'
import { guard, spentOn, untilFired, type Work } from './work.ts'
import { askPosition, followWrite } from './write-mark.ts'

const keepsPlans = /^(?:|SELECT|INSERT|UPDATE|DELETE|MERGE|FETCH|EXPLAIN|SHOW)$/

/** What removes the plans that the driver believes are there. */
const takesPlans = /^(?:DEALLOCATE|DISCARD) ALL$/

// What session() sends: whatever the values are, the server takes them as text.
const settingsOnly = /^select set_config\(\$1, \$2, true\)(?:, set_config\(\$\d+, \$\d+, true\))*$/

// What a transaction inside another one sends; it leaves nothing behind.
const ownSavepoint = /^(?:savepoint|rollback to) s\d+$/

/** A connection held by one caller: what runs on it, until it is given back. */
export class ExclusiveConnection {
  readonly connection: SqlConnection
  readonly #work: Work
  readonly #catalog: StatementCatalog
  readonly #tracer: Tracer
  #ended = false
  #stateful = false
  /** Definitions or settings may have changed on this lease: prepared plans are not to be trusted on it. */
  #changed = false
  #hasDefined = false
  /** The last BEGIN, COMMIT or ROLLBACK: answers come in order, so the others are over before it. */
  #ending: Promise<unknown> = Promise.resolve()

  constructor(connection: SqlConnection, catalog: StatementCatalog, work: Work, tracer: Tracer) {
    this.connection = connection
    this.#work = work
    this.#catalog = catalog
    this.#tracer = tracer
  }

  /** What another holder has left on the connection counts as left by this one. */
  takeOver(before: ExclusiveConnection): void {
    this.#stateful ||= before.#stateful
    this.#changed ||= before.#changed
  }

  /** True once a statement ran that may have left state on the session, or did so inside a function as far as the server reports it. */
  get stateful(): boolean {
    return this.#stateful || this.connection.hasOtherSettings
  }

  /** Whether a statement ran that may have changed definitions. */
  get hasDefined(): boolean {
    return this.#hasDefined
  }

  /** What ends the work of the caller. */
  get signal(): AbortSignal | undefined {
    return this.#work.current()?.signal
  }

  /**
   * Runs a statement of the caller's on this connection, whatever else it does; rejects after `end()`.
   *
   * @param mode 'transaction' inside one. Default 'autocommit'.
   * @param begin A BEGIN to run before it; if that fails the statement does not run.
   */
  run(
    text: string,
    parameters: readonly unknown[],
    values: boolean,
    mode: RunMode = 'autocommit',
    begin?: string,
  ): Promise<Rows> {
    const tracer = this.#tracer
    if (!tracer.hearsStatements || ownSavepoint.test(text))
      return this.#run(text, parameters, values, mode, begin)
    return tracer.statement(this.#catalog.of(text), mode !== 'autocommit', (message) =>
      this.#run(text, parameters, values, mode, begin, message),
    )
  }

  /** Runs a statement of the layer's own as one of the caller's would run, outside of prepared plans. */
  ask(text: string): Promise<Rows> {
    return this.#run(text, [], true, 'unprepared')
  }

  async #run(
    text: string,
    parameters: readonly unknown[],
    values: boolean,
    mode: RunMode,
    begin?: string,
    message?: StatementMessage,
  ): Promise<Rows> {
    if (this.#ended) throw new LeaseEndedError()
    const statement = this.#catalog.of(text)
    const { kind } = statement
    if (kind === 'copy') throw refused(kind)
    if (kind !== 'plain' && kind !== 'local' && !ownSavepoint.test(text)) {
      this.#stateful = true
      this.#changed = true
    }
    const rows = await this.#guarded(
      statement,
      parameters,
      values,
      this.#changed ? 'unprepared' : mode,
      begin,
      message,
    )
    if (takesPlans.test(rows.command ?? '')) this.connection.retire()
    if (kind === 'local' && changesMeanings(text, parameters)) this.#changed = true
    if (kind === 'plain' && !keepsPlans.test(rows.command ?? '')) this.#changed = true
    if (statement.effect === 'unknown' && mayHaveDefined(rows)) this.#hasDefined = true
    return rows
  }

  /**
   * Starts a COPY from or to the client.
   *
   * @param inner The query in it, or what else says what it leaves on the session.
   */
  async copy(text: string, inner: string): Promise<CopyExchange> {
    if (this.#ended) throw new LeaseEndedError()
    const { signal } = this
    signal?.throwIfAborted()
    if (this.#catalog.of(inner).kind === 'stateful') this.#stateful = true
    return await untilFired(this.connection.copy(text), signal, (reason) => {
      // It waits for a lock, or the server is silent.
      this.finish(this.connection.destroy(), () => null).catch(() => {})
      return spentOn('statement', reason)
    })
  }

  #guarded(
    statement: Statement,
    parameters: readonly unknown[],
    values: boolean,
    mode: RunMode,
    begin: string | undefined,
    message: StatementMessage | undefined,
  ): Promise<Rows> {
    const { signal } = this
    const { commentOf } = this.#tracer
    const isAllText = statement.kind === 'local' && settingsOnly.test(statement.text)
    const how: RunOptions = { mode, begin, isAllText }
    if (commentOf) Object.assign(how, commentOf(statement.text))
    if (!signal && !message) return this.connection.run(statement, parameters, values, how)
    if (signal?.aborted) return Promise.reject(signal.reason)
    const ticket = createTicket()
    how.ticket = ticket
    message?.sentTo(this.connection, ticket)
    const answer = this.connection.run(statement, parameters, values, how)
    return signal ? guard(answer, signal, this.connection, ticket) : answer
  }

  /** Notes for the caller's reads what an answer has written. */
  followed(answer: Promise<Rows>): Promise<Rows> {
    const writes = this.#work.current()?.writes
    return writes ? followWrite(answer, this.connection, writes) : answer
  }

  /** Notes for the caller's reads that nobody knows what was written. */
  noteUnknownWrite(): void {
    this.#work.current()?.writes?.note(null)
  }

  /** Runs `fn`, and notes for the caller's reads that something may have been written by its end, however it ends. */
  async noting<T>(fn: () => Promise<T>): Promise<T> {
    try {
      return await fn()
    } finally {
      await this.#noteWrites()
    }
  }

  async #noteWrites(): Promise<void> {
    const writes = this.#work.current()?.writes
    if (!writes) return
    const { connection, signal } = this
    const isOver = connection.lost || signal?.aborted
    writes.note(isOver ? null : await this.finish(askPosition(connection), () => null).catch(() => null))
  }

  /**
   * Waits for work on this connection until the signal fires. From then on it goes on behind the caller's back, and the
   * connection is not given back before it is over.
   *
   * @param toError Makes the caller's error of the signal's reason.
   */
  finish<T>(work: Promise<T>, toError: (reason: unknown) => unknown): Promise<T> {
    this.#ending = work.catch(() => {})
    return untilFired(work, this.signal, toError)
  }

  /** No statement may follow; settles when nothing of this caller's is on its way any more, awaited or not. */
  async end(): Promise<void> {
    this.#ended = true
    await this.#ending
    await this.connection.cancelled()
  }
}

/**
 * Whether a setting for the transaction may change what a statement means, as search_path and TimeZone do: its plan was made
 * under another one. A name with a dot in it is the application's own.
 */
function changesMeanings(text: string, parameters: readonly unknown[]): boolean {
  if (!/\blocal\b|set_config/i.test(text)) return false
  const names = localSettings(text, parameters)
  return names.length === 0 || names.some((name) => !name?.includes('.'))
}

/** The error for a text that can't do what it says on a pooled connection. */
export function refused(kind: 'transaction' | 'copy'): ConfigurationError {
  return kind === 'copy'
    ? new ConfigurationError(
        'COPY from or to the client has no rows to answer with. Use database.copyIn() or database.copyOut().',
      )
    : new ConfigurationError(
        'BEGIN, COMMIT and their like reach an arbitrary pooled connection. Use db.transaction() or database.use().',
      )
}
