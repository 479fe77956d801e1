import type { Rows, RunStatement } from '../connection/statement.ts'
import { clientLacks, lacking, queryLacks } from './client-lacks.ts'

/** What runs a transaction's or a savepoint's callback on a client of its own. */
export type RunScope = <T>(fn: (client: DrizzleClient) => Promise<T>) => Promise<T>

/** `begin` and `savepoint` as postgres.js has them: a callback may return queries, which are run in order. */
interface Scope {
  <T>(fn: (client: DrizzleClient) => Promise<T>): Promise<T>
  <T extends readonly unknown[]>(
    fn: (client: DrizzleClient) => T,
  ): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>
  /** @param before Modes of a transaction, as in 'isolation level serializable'; of a savepoint a name, which is not needed. */
  <T>(before: string, fn: (client: DrizzleClient) => T): Promise<Awaited<T>>
}

/**
 * A client as postgres.js has it. Drizzle's postgres-js driver touches `options`, `unsafe`, `begin`, and inside a transaction
 * `savepoint`, and no others (a test spies on it); a template and `notify` are for who has used postgres.js itself. Every other member
 * of postgres.js' throws a ConfigurationError that says how it is done here.
 */
export interface DrizzleClient {
  /** A statement with values as its parameters. */
  (strings: TemplateStringsArray, ...values: readonly unknown[]): Statement
  readonly options: unknown
  unsafe(text: string, parameters?: readonly unknown[]): Statement
  readonly begin: Scope
  readonly savepoint: Scope
  notify(channel: string, payload: string): Statement
}

/** Makes a client for Drizzle out of its parts. */
export function createDrizzleClient(parts: {
  options: unknown
  run: RunStatement
  begin: RunScope
  savepoint: RunScope
}): DrizzleClient {
  const unsafe = (text: string, parameters: readonly unknown[] = []) =>
    new Statement(parts.run, text, parameters)
  function client(strings: TemplateStringsArray, ...values: readonly unknown[]): Statement {
    return unsafe(textOf(strings, values), values)
  }
  client.options = parts.options
  client.unsafe = unsafe
  client.begin = scope(parts.begin, true)
  client.savepoint = scope(parts.savepoint, false)
  client.notify = (channel: string, payload: string) =>
    unsafe('select pg_notify($1, $2)', [channel, `${payload}`])
  return Object.setPrototypeOf(client, clientLacks)
}

function textOf(strings: TemplateStringsArray, values: readonly unknown[]): string {
  if (!Array.isArray(strings?.raw))
    throw lacking('sql(name)', 'Use sql.identifier(name) of Drizzle in db.execute(sql`…`).')
  let text = strings[0] ?? ''
  for (const [index, value] of values.entries()) {
    if (value instanceof Statement)
      throw lacking('A query inside a query', 'Put sql`…` of Drizzle together, and run it by db.execute().')
    if (value === undefined) throw lacking('undefined as a value', 'Use null.')
    text += `$${index + 1}${strings[index + 1]}`
  }
  return text
}

/** A callback's queries are run; what else it returns is passed on. */
const settled = (answer: unknown): Promise<unknown> =>
  Array.isArray(answer) ? Promise.all(answer) : (answer as Promise<unknown>)

function scope(run: RunScope, takesModes: boolean): Scope {
  type Callback = (client: DrizzleClient) => unknown
  return ((first: string | Callback, second?: Callback) => {
    if (typeof first !== 'string') return run(async (client) => await settled(first(client)))
    return run(async (client) => {
      const modes = first.replace(/[^a-z ]/gi, '').trim()
      // Sent with BEGIN, as the first statement says how a transaction begins.
      if (takesModes && modes !== '') await client.unsafe(`set transaction ${modes}`)
      return await settled(second?.(client))
    })
  }) as Scope
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

  /** Without parameters it is sent so anyway. */
  simple(): this {
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

  cursor(): never {
    throw queryLacks('cursor')
  }

  forEach(): never {
    throw queryLacks('forEach')
  }

  readable(): never {
    throw queryLacks('readable')
  }

  writable(): never {
    throw queryLacks('writable')
  }

  cancel(): never {
    throw queryLacks('cancel')
  }

  describe(): never {
    throw queryLacks('describe')
  }

  raw(): never {
    throw queryLacks('raw')
  }
}
