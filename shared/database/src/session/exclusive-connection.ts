import { ConfigurationError } from '@shared/pool'
import { createTicket, type RunMode, type SqlConnection } from '../connection/sql-connection.ts'
import type { Rows, Statement } from '../connection/statement.ts'
import { LeaseEndedError } from '../errors.ts'
import type { StatementCatalog } from './statement-catalog.ts'
import { guard, untilFired, type Work } from './work.ts'

const keepsPlans = /^(?:|SELECT|INSERT|UPDATE|DELETE|MERGE|FETCH|EXPLAIN|SHOW)$/

/** What removes the plans that the driver believes are there. */
const takesPlans = /^(?:DEALLOCATE|DISCARD) ALL$/

// What a transaction inside another one sends; it leaves nothing behind.
const ownSavepoint = /^(?:savepoint|rollback to) s\d+$/

/** A connection held by one caller: what runs on it, until it is given back. */
export class ExclusiveConnection {
  readonly connection: SqlConnection
  readonly #work: Work
  readonly #catalog: StatementCatalog
  #ended = false
  #stateful = false
  /** Definitions or settings may have changed on this lease: prepared plans are not to be trusted on it. */
  #changed = false
  /** The last BEGIN, COMMIT or ROLLBACK: answers come in order, so the others are over before it. */
  #ending: Promise<unknown> = Promise.resolve()

  constructor(connection: SqlConnection, catalog: StatementCatalog, work: Work) {
    this.connection = connection
    this.#work = work
    this.#catalog = catalog
  }

  /** True once a statement ran that may have left state on the session, or did so inside a function as far as the server reports it. */
  get stateful(): boolean {
    return this.#stateful || this.connection.hasOtherSettings
  }

  /** What ends the work of the caller. */
  get signal(): AbortSignal | undefined {
    return this.#work.current()?.signal
  }

  /**
   * Runs a statement on this connection, whatever else it does; rejects after `end()`.
   *
   * @param mode 'transaction' inside one. Default 'autocommit'.
   * @param begin A BEGIN to run before it; if that fails the statement does not run.
   */
  async run(
    text: string,
    parameters: readonly unknown[],
    values: boolean,
    mode: RunMode = 'autocommit',
    begin?: string,
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
    )
    if (takesPlans.test(rows.command ?? '')) this.connection.retire()
    if (kind === 'local' && changesMeanings(text, parameters)) this.#changed = true
    if (kind === 'plain' && !keepsPlans.test(rows.command ?? '')) this.#changed = true
    return rows
  }

  #guarded(
    statement: Statement,
    parameters: readonly unknown[],
    values: boolean,
    mode: RunMode,
    begin: string | undefined,
  ): Promise<Rows> {
    const { signal } = this
    if (!signal) return this.connection.run(statement, parameters, values, { mode, begin })
    if (signal.aborted) return Promise.reject(signal.reason)
    const ticket = createTicket()
    const answer = this.connection.run(statement, parameters, values, { mode, ticket, begin })
    return guard(answer, signal, this.connection, ticket)
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
  const [, set, constant, parameter] =
    /\bset\s+local\s+"?([\w.]+)|set_config"?\s*\(\s*(?:'([^']*)'|\$(\d+))/i.exec(text) ?? []
  const name = set ?? constant ?? (parameter && String(parameters[Number(parameter) - 1]))
  return !name?.includes('.')
}

/** The error for a text that can't do what it says on a pooled connection. */
export function refused(kind: 'transaction' | 'copy'): ConfigurationError {
  return kind === 'copy'
    ? new ConfigurationError(
        'COPY from or to the client is not possible here. Insert many rows in one statement instead.',
      )
    : new ConfigurationError(
        'BEGIN, COMMIT and their like reach an arbitrary pooled connection. Use db.transaction() or database.use().',
      )
}
