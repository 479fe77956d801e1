import { causes, serverState } from '../errors.ts'
import { callerOf } from './call-sites.ts'
import { describeSql } from './sql-text.ts'

/** What is known of a statement that failed, without a value: names and codes. */
export interface FailedStatement {
  /** With `?` for every constant; parameters are `$1` and so on. */
  statement?: string
  schema?: string
  table?: string
  column?: string
  constraint?: string
  /** The name of a type. */
  dataType?: string
  /** The line of the program that it comes from. */
  caller?: string
}

/** The same with everything that was said: for the eyes of who develops, as it holds values. */
export interface FailedStatementInFull extends FailedStatement {
  parameters?: readonly unknown[]
  /** The server's own words. */
  serverMessage?: string
  detail?: string
  hint?: string
  /** In what of the server's it happened: a function, a trigger. */
  where?: string
  /** The character of the statement where it is, from 1. */
  position?: string
}

const safeFields = {
  schema_name: 'schema',
  table_name: 'table',
  column_name: 'column',
  constraint_name: 'constraint',
  type_name: 'dataType',
} as const

const wordyFields = {
  message: 'serverMessage',
  detail: 'detail',
  hint: 'hint',
  where: 'where',
  position: 'position',
} as const

/** Describes the statement that an error comes from, without values; null where it comes from none. */
export function describeFailedStatement(error: unknown): FailedStatement | null {
  const { text, server } = partsOf(error)
  return someOf({
    ...(text !== null && { statement: describeSql(text).text }),
    ...(server && named(server, safeFields)),
    ...callerIn(error),
  })
}

/** Describes the statement that an error comes from, with SQL, parameters and the server's words. For development alone. */
export function describeFailedStatementInFull(error: unknown): FailedStatementInFull | null {
  const { text, parameters, server } = partsOf(error)
  return someOf({
    ...(text !== null && { statement: text, parameters }),
    ...(server && { ...named(server, safeFields), ...named(server, wordyFields) }),
    ...callerIn(error),
  })
}

/** Drizzle's error has the statement, the driver's what the server said. */
function partsOf(error: unknown) {
  let text: string | null = null
  let parameters: readonly unknown[] = []
  let server: Record<string, unknown> | null = null
  for (const link of causes(error)) {
    const { query, params } = link as { query?: unknown; params?: unknown }
    if (text === null && typeof query === 'string' && Array.isArray(params)) {
      text = query
      parameters = params
    }
    if (server === null && serverState(link)) server = link as unknown as Record<string, unknown>
  }
  return { text, parameters, server }
}

function named(source: Record<string, unknown>, names: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(names).flatMap(([theirs, ours]) => {
      const value = source[theirs]
      return typeof value === 'string' && value !== '' ? [[ours, value]] : []
    }),
  )
}

function callerIn(error: unknown): Pick<FailedStatement, 'caller'> {
  const caller = callerOf(error)
  return caller === null ? {} : { caller }
}

const someOf = <T extends object>(found: T): T | null => (Object.keys(found).length === 0 ? null : found)
