import type { Query } from 'drizzle-orm'
import type { Rows } from '../../connection/statement.ts'
import type { DrizzleClient } from '../client.ts'
import {
  Column,
  type Dialect,
  DrizzleQueryError,
  fillPlaceholders,
  is,
  type OrderedField,
  PgPreparedQuery,
  PostgresJsSession,
  PostgresJsTransaction,
  type Schema,
  type Session,
  SQL,
} from './parts.ts'

type MapRows = (rows: unknown[][]) => unknown

/** Reads one value of a row. */
interface Decoder {
  mapFromDriverValue(value: unknown): unknown
}

/**
 * Drizzle's session over our client. What it does is what `PostgresJsSession` does, in one promise a statement where that
 * needs five, and with each column's decoder looked up once a statement and not once a row.
 */
export class FasterSession extends PostgresJsSession {
  readonly #client: DrizzleClient
  readonly #schema: Schema

  constructor(client: DrizzleClient, dialect: Dialect, schema: Schema) {
    super(client, dialect, schema)
    this.#client = client
    this.#schema = schema
  }

  override prepareQuery(...given: Parameters<Session['prepareQuery']>): object {
    const [query, fields, , , mapRows] = given
    const map = mapRows ?? (fields && flatMapper(fields))
    // Fields lie in others after joins, and Drizzle makes a side that is missing null as a whole.
    if (map === null) return super.prepareQuery(...given)
    return new PreparedStatement(this.#client, query, map)
  }

  /** The handle inside is of Drizzle's own class, which gives savepoints Drizzle's own session. */
  transaction<T>(fn: (tx: object) => Promise<T>, config?: object): Promise<T> {
    return this.#client.begin(async (client) => {
      const session = new FasterSession(client, this.dialect, this.#schema)
      const tx = new PostgresJsTransaction(this.dialect, session, this.#schema)
      if (config) await tx.setTransaction(config)
      return fn(tx)
    })
  }
}

/** A query with its text, ready to run any number of times. */
class PreparedStatement extends PgPreparedQuery {
  readonly #client: DrizzleClient
  readonly #mapRows: MapRows | undefined

  constructor(client: DrizzleClient, query: Query, mapRows: MapRows | undefined) {
    super(query, undefined, undefined)
    this.#client = client
    this.#mapRows = mapRows
  }

  execute(placeholderValues: Record<string, unknown> = {}): Promise<unknown> {
    return this.#run(placeholderValues, this.#mapRows)
  }

  all(placeholderValues: Record<string, unknown> = {}): Promise<unknown> {
    return this.#run(placeholderValues, undefined)
  }

  #run(given: Record<string, unknown>, mapRows: MapRows | undefined): Promise<unknown> {
    const { sql } = this.query
    let parameters: unknown[]
    try {
      parameters = fillPlaceholders(this.query.params, given)
    } catch (error) {
      return Promise.reject(error)
    }
    const fail = (error: unknown): never => {
      throw new DrizzleQueryError(sql, parameters, error as Error)
    }
    const statement = this.#client.unsafe(sql, parameters)
    return mapRows
      ? statement.values().then(mapRows as (rows: Rows) => unknown, fail)
      : statement.then(undefined, fail)
  }
}

/** Makes rows into objects; null where a field lies in another. */
function flatMapper(fields: readonly OrderedField[]): MapRows | null {
  const names: string[] = []
  const decoders: Decoder[] = []
  for (const { path, field } of fields) {
    const decoder = decoderOf(field)
    if (path.length !== 1 || !decoder) return null
    names.push(path[0] as string)
    decoders.push(decoder)
  }
  return (rows) => rows.map((row) => objectOf(row, names, decoders))
}

function objectOf(row: unknown[], names: readonly string[], decoders: readonly Decoder[]): object {
  const object: Record<string, unknown> = {}
  for (let place = 0; place < names.length; place++) {
    const value = row[place]
    object[names[place] as string] =
      value === null ? null : (decoders[place] as Decoder).mapFromDriverValue(value)
  }
  return object
}

function decoderOf(field: unknown): Decoder | null {
  if (is(field, Column)) return field
  const query = is(field, SQL.Aliased) ? field.sql : is(field, SQL) ? field : null
  return query && (query as unknown as { decoder: Decoder }).decoder
}
