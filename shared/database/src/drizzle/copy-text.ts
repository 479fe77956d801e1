import { ConfigurationError } from '@shared/pool'
import { getTableColumns, is, type SQL, type SQLWrapper, Table } from 'drizzle-orm'
import { getTableConfig, PgDialect, type PgTable } from 'drizzle-orm/pg-core'
import { isSql } from './streamed-query.ts'

/** A table of Drizzle's, the name of one exactly as it is, or sql`…` for any other way to name it. */
export type CopyTarget = PgTable | string | SQL

/** A table, or a query without parameters: a builder of Drizzle's or sql`…`. */
export type CopySource = PgTable | string | SQLWrapper

/** What goes between COPY and FROM or TO. */
export function copyTarget(target: CopyTarget, columns: readonly string[] | undefined): string {
  const list =
    columns === undefined ? '' : ` (${columns.map((name) => quoted(columnOf(target, name))).join(', ')})`
  return `${nameOf(target)}${list}`
}

/** What goes between COPY and TO. A query stands in parentheses, which a table does not. */
export function copySource(source: CopySource, columns: readonly string[] | undefined): string {
  if (typeof source === 'string' || is(source, Table)) return copyTarget(source as CopyTarget, columns)
  if (columns !== undefined)
    throw new ConfigurationError('Option columns of copyOut() is for a table. A query selects its own.')
  return `(${textOf(source)})`
}

function nameOf(target: CopyTarget): string {
  if (typeof target === 'string') return quoted(target)
  if (!is(target, Table)) return textOf(target)
  const { name, schema } = getTableConfig(target as PgTable)
  return schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`
}

/** The database's name of a column, which Drizzle's table may call by another. */
function columnOf(target: CopyTarget, name: string): string {
  if (!is(target, Table)) return name
  const columns = getTableColumns(target)
  const column = columns[name] ?? Object.values(columns).find((one) => one.name === name)
  if (column) return column.name
  throw new ConfigurationError(
    `Option columns names ${JSON.stringify(name)}, which the table does not have. It has ${Object.keys(columns).join(', ')}.`,
  )
}

function textOf(query: SQLWrapper): string {
  if (!isSql(query))
    throw new ConfigurationError(
      'A COPY is from or to a table of Drizzle, the name of one, or sql`…`; copyOut() takes a query builder that was not awaited, too.',
    )
  const { sql, params } = new PgDialect().sqlToQuery(query.getSQL())
  if (params.length > 0)
    throw new ConfigurationError(
      `The server takes no parameters in a COPY, and the query has ${params.length}. Use stream(), or write trusted values into its text by query.getSQL().inlineParams().`,
    )
  return sql
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
