import type { Rows, RunStatement } from '../connection/statement.ts'

/** What runs a transaction's or a savepoint's callback on a client of its own. */
export type RunScope = <T>(fn: (client: DrizzleClient) => Promise<T>) => Promise<T>

/**
 * The members of a postgres.js client that Drizzle's postgres-js driver touches, and no others (a test spies on it):
 * `options`, `unsafe`, `begin`, and inside a transaction `savepoint`.
 */
export interface DrizzleClient {
  readonly options: unknown
  unsafe(text: string, parameters?: readonly unknown[]): Statement
  begin: RunScope
  savepoint: RunScope
}

/** Makes a client for Drizzle out of its parts. */
export function createDrizzleClient(parts: {
  options: unknown
  run: RunStatement
  begin: RunScope
  savepoint: RunScope
}): DrizzleClient {
  return {
    options: parts.options,
    unsafe: (text, parameters = []) => new Statement(parts.run, text, parameters),
    begin: parts.begin,
    savepoint: parts.savepoint,
  }
}

/**
 * A statement as postgres.js hands it to Drizzle: it runs when first awaited, once, and `values()` before that asks for
 * rows as arrays.
 */
export class Statement implements PromiseLike<Rows> {
  readonly #run: RunStatement
  readonly #text: string
  readonly #parameters: readonly unknown[]
  #values = false
  #result: Promise<Rows> | null = null

  constructor(run: RunStatement, text: string, parameters: readonly unknown[]) {
    this.#run = run
    this.#text = text
    this.#parameters = parameters
  }

  values(): this {
    this.#values = true
    return this
  }

  execute(): Promise<Rows> {
    this.#result ??= this.#run(this.#text, this.#parameters, this.#values)
    return this.#result
  }

  // biome-ignore lint/suspicious/noThenProperty: Drizzle awaits what unsafe() returns.
  then<A = Rows, B = never>(
    onFulfilled?: ((rows: Rows) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.execute().then(onFulfilled, onRejected)
  }

  catch<B>(onRejected: (reason: unknown) => B | PromiseLike<B>): Promise<Rows | B> {
    return this.execute().catch(onRejected)
  }

  finally(onFinally: () => void): Promise<Rows> {
    return this.execute().finally(onFinally)
  }
}
