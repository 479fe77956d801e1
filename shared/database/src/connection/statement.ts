/** Rows as a statement answers them: an array of objects or of arrays, with `count` and `command`. */
export type Rows = unknown[] & { command?: string; count?: number | null }

/**
 * What running a text means for the connection: `plain` leaves nothing behind; `local` leaves something until the transaction
 * ends (SET LOCAL, LOCK); `stateful` may leave more (SET, LISTEN, temporary tables, session locks, several statements in one
 * text); `transaction` control and `copy` make no sense outside the layer's own transactions.
 */
export type StatementKind = 'plain' | 'local' | 'stateful' | 'transaction' | 'copy'

/**
 * What a statement that has run leaves in the database: nothing (`none`); rows that a rollback or a cancellation undoes
 * (`rows`); or it may be anything (`unknown`).
 */
export type Effect = 'none' | 'rows' | 'unknown'

/** A statement text and what is known of it on every connection of a database. */
export interface Statement {
  readonly text: string
  readonly kind: StatementKind
  readonly effect: Effect
  /** The parameters' type oids as the server resolved them; null until it has once. */
  types: number[] | null
  /** How long in ms the server takes for it, as its last runs had it: a moving average. 0 before the first. */
  tookMs: number
  /** Set of the layer's own. */
  readonly isOwn?: true
}

// Of a text with several statements each result has its command. What a function or a procedure does inside can't be seen.
const definingCommand = /^(?:CREATE|ALTER|DROP|DO|IMPORT)\b/

/** Whether an answer is that of a statement which may have changed what prepared plans were made for: columns, types, names. */
export function mayHaveDefined(rows: Rows): boolean {
  if (rows.command !== undefined) return definingCommand.test(rows.command)
  return rows.some((result) => definingCommand.test((result as Rows | null)?.command ?? ''))
}

/** A statement of the layer's own, of which nothing is remembered. */
export function ownStatement(text: string): Statement {
  return { text, kind: 'plain', effect: 'unknown', types: null, tookMs: 0, isOwn: true }
}

/** Runs a caller's statement: rows as arrays with `values`, else as objects. */
export type RunStatement = (text: string, parameters: readonly unknown[], values: boolean) => Promise<Rows>

// A wait for a lock or a busy moment of this process must not make a text slow, nor one lucky run make it fast.
const runsToForget = 8

/** Notes how long a run of the statement took. */
export function noteRun(statement: Statement, ms: number): void {
  statement.tookMs = statement.tookMs === 0 ? ms : statement.tookMs + (ms - statement.tookMs) / runsToForget
}
