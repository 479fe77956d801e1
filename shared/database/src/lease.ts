import { createTicket } from './cancellation.ts'
import type { Connection } from './connection.ts'
import { ConfigurationError, LeaseEndedError } from './errors.ts'
import type { Rows, RunMode } from './pipeline.ts'
import type { StatementCatalog } from './statement.ts'
import { guard, type Work } from './work.ts'

const keepsPlans = /^(?:|SELECT|INSERT|UPDATE|DELETE|MERGE|FETCH|EXPLAIN|SHOW)$/

/** A connection held by one caller: what runs on it, until it is given back. */
export class ExclusiveConnection {
  readonly connection: Connection
  readonly #work: Work
  readonly #catalog: StatementCatalog
  #ended = false
  #stateful = false
  /** Definitions or settings may have changed on this lease: prepared plans are not to be trusted on it. */
  #changed = false

  constructor(connection: Connection, catalog: StatementCatalog, work: Work) {
    this.connection = connection
    this.#work = work
    this.#catalog = catalog
  }

  /** True once a statement ran that may have left state on the session. */
  get stateful(): boolean {
    return this.#stateful
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
    const { kind } = this.#catalog.info(text)
    if (kind === 'copy') throw refused(kind)
    if (kind !== 'plain' && kind !== 'local') {
      this.#stateful = true
      this.#changed = true
    }
    const rows = await this.#guarded(text, parameters, values, this.#changed ? 'unprepared' : mode, begin)
    if (kind === 'local' ? renames(text, parameters) : !keepsPlans.test(rows.command ?? ''))
      this.#changed = true
    return rows
  }

  #guarded(
    text: string,
    parameters: readonly unknown[],
    values: boolean,
    mode: RunMode,
    begin: string | undefined,
  ): Promise<Rows> {
    const signal = this.#work.current()?.signal
    if (!signal) return this.connection.run(text, parameters, values, { mode, begin })
    if (signal.aborted) return Promise.reject(signal.reason)
    const ticket = createTicket()
    const answer = this.connection.run(text, parameters, values, { mode, ticket, begin })
    return guard(answer, signal, this.connection, ticket)
  }

  /** No statement may follow: the connection is about to belong to somebody else. */
  end(): void {
    this.#ended = true
  }
}

/** Whether a setting decides which tables names stand for: plans keep the types of those they were made with. */
function renames(text: string, parameters: readonly unknown[]): boolean {
  return /search_path/i.test(text) || parameters.some((value) => /^search_path$/i.test(String(value)))
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
