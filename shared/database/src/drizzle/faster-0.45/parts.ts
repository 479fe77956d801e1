import type { Query, SQLChunk } from 'drizzle-orm'
import * as orm from 'drizzle-orm'
import * as pgCore from 'drizzle-orm/pg-core'
import * as postgresJs from 'drizzle-orm/postgres-js'
import { npmVersion } from 'drizzle-orm/version'
import type { DrizzleClient } from '../client.ts'

/**
 * What this folder relies on of drizzle-orm 0.45 beyond what it documents. The types are written down here and not
 * imported, because other versions have other ones and this folder must type-check, unused, beside those too.
 */
interface Parts {
  PgDialect: new (config?: { casing?: unknown }) => Dialect
  PgPreparedQuery: abstract new (query: Query, cache: undefined, metadata: undefined) => { query: Query }
  PostgresJsSession: new (
    client: DrizzleClient,
    dialect: Dialect,
    schema: Schema,
    options?: SessionOptions,
  ) => Session
  PostgresJsTransaction: new (dialect: Dialect, session: Session, schema: Schema) => Transaction
  PostgresJsDatabase: new (dialect: Dialect, session: Session, schema: Schema) => Handle
  drizzle: (config: { client: DrizzleClient; schema?: unknown; casing?: unknown }) => Handle
}

const core = pgCore as unknown as Pick<Parts, 'PgDialect' | 'PgPreparedQuery'>
const driver = postgresJs as unknown as Omit<Parts, 'PgDialect' | 'PgPreparedQuery'>

/** Stands for a class that another version does not have. This folder is loaded beside every version, and used beside 0.45. */
class Absent {}
const absent = Absent as never

export const { PgTable } = pgCore
export const { PgDialect = absent, PgPreparedQuery = absent } = core
export const { PostgresJsSession = absent, PostgresJsTransaction, PostgresJsDatabase, drizzle } = driver

// By the namespace: an import by name of what a version does not have would end the process at start.
export const { fillPlaceholders, getTableColumns, getTableName, is, sql } = orm
export const { Name, StringChunk = absent, Subquery, DrizzleQueryError } = orm
export const { Column, Param, Placeholder, SQL, Table } = orm
export type Column = orm.Column
export type Param = orm.Param
export type Placeholder = orm.Placeholder
export type SQL = orm.SQL
export type StringChunk = orm.StringChunk
export type Subquery = orm.Subquery
export type Table = orm.Table

/** Whether the installed drizzle-orm is one that this folder was made for, by its version and by its shape. */
export function fitsInstalledDrizzle(version = npmVersion): boolean {
  if (!version.startsWith('0.45.')) return false
  const used = [PgPreparedQuery, PostgresJsSession, PostgresJsTransaction, PostgresJsDatabase, drizzle]
  const dialect = new PgDialect() as Partial<Dialect>
  const methods = [dialect.sqlToQuery, dialect.buildSelectQuery, dialect.buildInsertQuery]
  return [...used, ...methods, dialect.casing?.getColumnCasing].every((part) => typeof part === 'function')
}

/** Names columns in the casing of their handle. */
export interface CasingCache {
  getColumnCasing(column: Column): string
}

/** What `SQL.toQuery` is given. */
export interface RenderConfig {
  readonly casing: CasingCache
  readonly escapeName: (name: string) => string
  readonly escapeParam: (position: number) => string
  readonly escapeString: (text: string) => string
}

export interface Dialect extends RenderConfig {
  sqlToQuery(query: SQL, invokeSource?: 'indexes'): Query
  buildSelectQuery(config: SelectConfig): SQL
  buildInsertQuery(config: InsertConfig): SQL
}

/** A field of a select or of a RETURNING, and where it goes in the row's object. */
export interface OrderedField {
  readonly path: readonly string[]
  readonly field: unknown
}

export interface SelectConfig {
  readonly table: SQLChunk
  readonly fields: Readonly<Record<string, unknown>>
  readonly fieldsFlat?: readonly OrderedField[]
  readonly where?: SQL
  readonly having?: SQL
  readonly orderBy?: SQLChunk[]
  readonly groupBy?: readonly SQLChunk[]
  readonly limit?: number | Placeholder
  readonly offset?: number | Placeholder
  readonly withList?: readonly unknown[]
  readonly joins?: readonly unknown[]
  readonly setOperators: readonly unknown[]
  readonly lockingClause?: unknown
  readonly distinct?: unknown
}

export interface InsertConfig {
  readonly table: Table
  readonly values: readonly Readonly<Record<string, SQLChunk>>[] | SQL
  readonly withList?: readonly unknown[]
  readonly returning?: readonly OrderedField[]
  readonly onConflict?: SQL
  readonly select?: boolean
  readonly overridingSystemValue_?: boolean
}

/** What Drizzle has worked out of the user's schema, for relational queries; undefined without one. */
export type Schema = { readonly fullSchema: unknown } | undefined

/** What a session does beside running statements. */
export interface SessionOptions {
  readonly logger?: unknown
  readonly cache?: unknown
}

export interface Session {
  readonly options: SessionOptions
  readonly dialect: Dialect
  readonly schema: Schema
  prepareQuery(
    query: Query,
    fields: readonly OrderedField[] | undefined,
    name: string | undefined,
    isResponseInArrayMode: boolean,
    mapRows?: (rows: unknown[][]) => unknown,
    ...rest: unknown[]
  ): object
}

interface Transaction {
  setTransaction(config: object): Promise<void>
}

export interface Handle {
  readonly session: Session
  $client: DrizzleClient
  $cache: unknown
}
