import type { Ticket } from '../connection/sql-connection.ts'
import type { Rows, Statement } from '../connection/statement.ts'
import type { TracedOperation, TracedPool } from './messages.ts'
import { describeSql, type SqlText } from './sql-text.ts'

/** The part of a connection that a message says something of. */
interface Backend {
  readonly host: { readonly name: string; readonly port: number }
  readonly pid: number
}

const texts = new WeakMap<Statement, SqlText>()

/** A statement's text as traces show it: made when first asked for, and kept as long as the statement is known. */
export function textOf(statement: Statement): SqlText {
  let text = texts.get(statement)
  if (!text) {
    text = describeSql(statement.text)
    texts.set(statement, text)
  }
  return text
}

/**
 * A statement of the program, with all tries that it took. It never has the statement's parameters or rows, nor its text with the
 * constants in it.
 */
export class StatementMessage implements TracedOperation {
  readonly pool: string
  readonly database: string
  host: string | null
  port: number | null
  readonly startedAt = performance.now()
  /** Time until it was handed to the connection that it ended on, most often that in the queue; null until it is over. */
  waitMs: number | null = null
  /** Time from there to its answer, also behind others on the connection; null until it is over. */
  durationMs: number | null = null
  /** Rows that it returned or changed, as the server counts them; null until it is over, and where there is no such number. */
  rows: number | null = null
  /** The backend's process id; null until it has a connection. */
  pid: number | null = null
  /** Whether it ran from a prepared plan, one made for this run included; null until it is over. */
  prepared: boolean | null = null
  /** Whether it is part of a transaction of this layer's. */
  readonly inTransaction: boolean
  /** How often it was handed to a connection. */
  attempts = 0
  error?: unknown
  errorCode: string | null = null
  readonly #statement: Statement
  #sentAt: number | null = null
  #ticket: Ticket | null = null

  constructor(pool: TracedPool, statement: Statement, inTransaction: boolean) {
    this.pool = pool.pool
    this.database = pool.database
    this.host = pool.host
    this.port = pool.port
    this.inTransaction = inTransaction
    this.#statement = statement
  }

  /** The text with `?` for every constant; parameters are `$1` and so on. */
  get text(): string {
    return textOf(this.#statement).text
  }

  /** What it does to what: `SELECT products`. OpenTelemetry's `db.query.summary`. */
  get summary(): string {
    return textOf(this.#statement).summary
  }

  /** What it does: `SELECT`. OpenTelemetry's `db.operation.name`. */
  get operation(): string {
    return textOf(this.#statement).operation
  }

  /** It is handed to a connection. */
  sentTo({ host, pid }: Backend, ticket: Ticket): void {
    this.host = host.name
    this.port = host.port
    this.pid = pid
    this.attempts++
    this.#sentAt = performance.now()
    this.#ticket = ticket
  }

  /** It is over. */
  ended(rows: Rows | undefined): void {
    const now = performance.now()
    const sentAt = this.#sentAt ?? now
    this.waitMs = sentAt - this.startedAt
    this.durationMs = now - sentAt
    this.prepared = this.#ticket?.isPrepared ?? false
    // The answer to several statements in one text is a list of answers.
    this.rows = rows?.count ?? null
  }
}
