import type { Ticket } from '../sql-connection.ts'
import { readOwnRows } from './own-rows.ts'

// biome-ignore lint/suspicious/noExplicitAny: the driver's clients, options and answers are not typed.
export type Driver = any

/**
 * One statement as the inside of postgres.js 3.4.9 runs it: the members of its `Query` that its connection reads and
 * writes, without the promise. A `Query` costs two promises, five closures and a turn of the microtask queue before it is
 * sent; this is sent at once and answers by calling back.
 */
export class DriverQuery {
  readonly strings: readonly string[]
  readonly args: readonly unknown[]
  readonly options: { prepare: boolean; simple: boolean }
  readonly isRaw: 'values' | boolean
  /** Whether it is one of the layer's own. */
  readonly isOwn: boolean
  readonly #values: boolean
  readonly tagged = false
  readonly origin = ''
  readonly #onRows: (rows: Driver) => void
  readonly #onError: (error: unknown) => void
  readonly #text: string
  readonly #isMarked: boolean
  #shown: string | undefined = undefined
  #isSettled = false
  /** On performance.now's clock. */
  sentAt = 0
  /** Of the caller that may cancel it. */
  ticket: Ticket | undefined
  /** The backend, once it is sent. */
  state: unknown = null
  /** Its columns and its parameters' types, as the server described them. */
  statement: DriverStatement | null = null
  parameters: unknown[] | null = null
  signature = ''
  /** Whether its plan was prepared before. */
  prepared = false
  prepare = false
  describeFirst: unknown = false
  /** Asks for the statement's types only: answers with them as rows, and does not run it. */
  onlyDescribe = false
  parsing = false
  active = false
  cancelled: unknown = null

  /**
   * @param how.mark Sent behind the text, which answers and errors show without it.
   * @param how.isAllText Its parameters are sent as they are, without a round trip that asks for their types.
   * @param how.own Whether it is one of the layer's own.
   * @param how.asBytes Whether its rows come as bytes, and are read without the codecs of callers.
   */
  constructor(
    text: string,
    parameters: readonly unknown[],
    how: {
      prepare: boolean
      simple: boolean
      values: boolean
      mark?: string
      isAllText?: boolean | undefined
      own?: boolean
      asBytes?: boolean
    },
    onRows: (rows: Driver) => void,
    onError: (error: unknown) => void,
  ) {
    const { mark = '' } = how
    this.#text = text
    this.#isMarked = mark !== ''
    this.strings = [text + mark]
    this.args = parameters
    this.options = { prepare: how.prepare, simple: how.simple }
    this.isRaw = how.asBytes ? true : how.values ? 'values' : false
    this.isOwn = how.own === true
    this.#values = how.values
    this.#onRows = onRows
    this.#onError = onError
    if (how.isAllText) Object.defineProperty(this, 'describeFirst', neverFirst)
  }

  resolve(rows: Driver): void {
    if (this.#isSettled) return
    this.#isSettled = true
    if (this.#isMarked) this.#showOwnStatement(rows)
    removeHoles(rows)
    if (this.isRaw === true) readOwnRows(rows, this.#values)
    this.#onRows(rows)
  }

  reject(error: unknown): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#onError(error)
  }

  /** The text that errors show, once the driver has made a message of it. */
  get string(): string | undefined {
    return this.#shown
  }

  set string(_sent: string) {
    this.#shown = this.#text
  }

  get retried(): undefined {
    return undefined
  }

  /** The driver gives all runs of a plan the same statement, which the next description changes. */
  #showOwnStatement(rows: Driver): void {
    const { statement } = this
    const results: Driver[] = rows.command === undefined ? rows : [rows]
    for (const result of results) {
      if (statement && result.statement === statement) result.statement = { ...statement, string: this.#text }
    }
  }

  // The driver retries a stale plan itself, and mistakes the answers of the statements pipelined behind it. Instead the
  // statement fails: the driver sets `retried` and then executes, which it does not do with a cancelled query.
  set retried(error: unknown) {
    this.cancelled = true
    this.reject(error)
  }
}

const neverFirst: PropertyDescriptor = { get: () => false, set() {} }

/**
 * The driver counts the rows of a statement that failed after some into the next one, whose first row then has as many holes
 * before it. Only the first of several results can have them.
 */
function removeHoles(answer: Driver): void {
  const rows = Array.isArray(answer?.[0]) && answer.command === undefined ? answer[0] : answer
  if (!Array.isArray(rows) || rows.length === 0 || rows[0] !== undefined) return
  rows.splice(
    0,
    rows.findIndex((row) => row !== undefined),
  )
}

/** What the driver knows of a statement. */
export interface DriverStatement {
  /** Oids of the parameters' types. */
  readonly types: number[]
  readonly columns?: readonly { readonly type: number }[] | null
}

/** What postgres.js hands a query to; the client has one physical connection. */
export function submitterOf(client: Driver): (query: DriverQuery) => void {
  // A lazy query that is never run: made for its handler.
  return client.unsafe('').handler
}

/** The type that the driver gives a value by its looks; 0 leaves it to the server. */
export function inferredType(value: unknown): number {
  if (typeof value === 'string' || typeof value === 'number') return 0
  if (value instanceof Date) return 1184
  if (value instanceof Uint8Array) return 17
  if (typeof value === 'boolean') return 16
  if (typeof value === 'bigint') return 20
  return Array.isArray(value) ? inferredType(value[0]) : 0
}
