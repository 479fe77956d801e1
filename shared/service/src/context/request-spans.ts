import {
  type ConnectMessage,
  limitText,
  type StatementMessage,
  type TransactionMessage,
} from '@shared/database'

/** A part of a request's time that its database work took. */
export interface RequestSpan {
  /** `wait`: for a connection, `connect`: one is opened, `transaction`: from its connection to its end, `statement`: its run. */
  readonly kind: 'wait' | 'connect' | 'transaction' | 'statement'
  /** In ms since the request began. */
  readonly startMs: number
  /** In ms. */
  readonly durationMs: number
  /** The text of a statement with `?` for every constant; parameters are `$1` and so on. Else null. */
  readonly statement: string | null
  /** Rows that a statement returned or changed; null where there is no such number. */
  readonly rows: number | null
  /** How a transaction ended, else null. */
  readonly outcome: TransactionMessage['outcome']
  /** SQLSTATE, driver code or this layer's code of what it failed with, else null. */
  readonly code: string | null
}

/** One message of the layer's channels that is over. */
export type Operation =
  | { readonly kind: 'statement'; readonly message: StatementMessage }
  | { readonly kind: 'transaction'; readonly message: TransactionMessage }
  | { readonly kind: 'connect'; readonly message: ConnectMessage }

/** A shorter wait is none: there was a connection at once. */
const shortestWaitMs = 1
/** Of the text of a statement: a report may hold a thousand of them. */
const longestText = 4_096

/**
 * Describes what a request's database work took its time with, in order of time and nothing of its values.
 *
 * @param startedAt When the request began, on performance.now's clock.
 */
export function describeSpans(operations: readonly Operation[], startedAt: number): RequestSpan[] {
  return operations
    .flatMap((operation) => spansOf(operation, startedAt))
    .sort((one, other) => one.startMs - other.startMs || other.durationMs - one.durationMs)
}

/** The time of an operation, its wait included. */
export function timeOf({ kind, message }: Operation): number {
  return (message.durationMs ?? 0) + (kind === 'statement' ? (message.waitMs ?? 0) : 0)
}

function spansOf(operation: Operation, startedAt: number): RequestSpan[] {
  const { kind, message } = operation
  const code = message.errorCode
  const from = message.startedAt - startedAt
  const all = timeOf(operation)
  if (kind === 'connect') return [{ ...span('connect', from, all), code }]
  const statement = kind === 'statement' ? limitText(message.text, longestText) : null
  if (message.pid === null) return [{ ...span('wait', from, all), statement, code }]
  const waitMs = waitOf(operation)
  const outcome = kind === 'transaction' ? message.outcome : null
  const rows = kind === 'statement' ? message.rows : null
  const work = { ...span(kind, from + waitMs, all - waitMs), statement, rows, outcome, code }
  return waitMs < shortestWaitMs ? [work] : [span('wait', from, waitMs), work]
}

/** A statement of a transaction has its connection: what it waits for is the program, or the statement before it. */
function waitOf({ kind, message }: Exclude<Operation, { kind: 'connect' }>): number {
  return kind === 'statement' && message.inTransaction ? 0 : (message.waitMs ?? 0)
}

function span(kind: RequestSpan['kind'], startMs: number, durationMs: number): RequestSpan {
  const times = { startMs: tenths(startMs), durationMs: tenths(durationMs) }
  return { kind, ...times, statement: null, rows: null, outcome: null, code: null }
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10
