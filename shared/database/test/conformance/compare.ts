import { createHash } from 'node:crypto'
import { DrizzleError, DrizzleQueryError, TransactionRollbackError } from 'drizzle-orm/errors'
import postgres from 'postgres'

/** A value as plain data in which JS types, prototypes, key order and hidden properties are spelled out. */
export type Description = string | readonly Description[] | { readonly [part: string]: Description }

/** Object ids from here on are given out by the server in order of creation, so they differ between two databases. */
const firstUserOid = 16_384

const longString = 1_000
const manyItems = 200

/** Hidden properties of errors that are described elsewhere or not at all. */
const unspokenParts = new Set([
  'name',
  'message',
  'stack',
  'originalLine',
  'originalColumn',
  'parameters',
  'types',
])

/** Error classes a user may test with `instanceof`. */
const knownErrors = {
  DrizzleError,
  DrizzleQueryError,
  TransactionRollbackError,
  PostgresError: postgres.PostgresError,
}

/**
 * Spells a value out for comparison. Left out, as they differ between any two connections or databases: stacks, a
 * backend's pid and secret, user-defined object ids, a column's place in its table, names of prepared statements,
 * functions' bodies, and the hidden
 * `parameters` and `types` of a driver's error, which tell how far the driver had got with sending `args`.
 */
export function describeValue(value: unknown): Description {
  return describe(value, [])
}

function describe(value: unknown, parents: readonly unknown[]): Description {
  if (typeof value === 'string') return describeString(value)
  if (typeof value === 'number') return `number ${Object.is(value, -0) ? '-0' : value}`
  if (typeof value === 'function') return 'function'
  if (value === null || typeof value !== 'object')
    return `${value === null ? 'null' : `${typeof value} ${String(value)}`}`
  if (parents.includes(value)) return 'circular'
  if (value instanceof Date) return `Date ${Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString()}`
  if (value instanceof Uint8Array)
    return `${typeName(value)} ${describeString(Buffer.from(value).toString('hex'))}`
  const path = [...parents, value]
  if (value instanceof Error) return describeError(value, path)
  if (Array.isArray(value)) return describeArray(value, path)
  return {
    type: typeName(value),
    entries: Object.entries(value).map(([key, item]) => [key, describe(item, path)]),
  }
}

function describeString(value: string): string {
  return value.length <= longString
    ? `string ${JSON.stringify(value)}`
    : `string of ${value.length} starting ${JSON.stringify(value.slice(0, 60))} sha256 ${sha256(value)}`
}

function describeArray(value: readonly unknown[], path: readonly unknown[]): Description {
  const items = Array.from(value, (item) => describe(item, path))
  const description: Record<string, Description> = {
    type: typeName(value),
    items:
      items.length <= manyItems
        ? items
        : [`${items.length} items, sha256 ${sha256(JSON.stringify(items))}`, ...items.slice(0, 3)],
  }
  for (const name of Object.getOwnPropertyNames(value)) {
    if (name === 'length' || /^\d+$/.test(name)) continue
    description[label(value, name)] = describeResultPart(name, Reflect.get(value, name), path)
  }
  return description
}

/** The extra properties of a postgres.js `Result`. */
function describeResultPart(name: string, value: unknown, path: readonly unknown[]): Description {
  if (name === 'state')
    return value === null ? 'null' : { type: typeName(value as object), keys: Object.keys(value as object) }
  if (name === 'columns') return describeColumns(value)
  if (name === 'statement' && isRecord(value)) {
    return {
      keys: Object.keys(value),
      string: describe(value.string, path),
      types: describeTypes(value.types),
      columns: describeColumns(value.columns),
    }
  }
  return describe(value, path)
}

function describeColumns(columns: unknown): Description {
  if (!Array.isArray(columns)) return describe(columns, [])
  return columns.map((column: Record<string, unknown>) => ({
    keys: Object.keys(column),
    name: describe(column.name, []),
    type: describeOid(column.type),
    parser: typeof column.parser,
  }))
}

function describeTypes(types: unknown): Description {
  return Array.isArray(types) ? types.map(describeOid) : describe(types, [])
}

function describeOid(oid: unknown): string {
  return typeof oid === 'number' && oid >= firstUserOid ? 'user-defined' : `${typeof oid} ${String(oid)}`
}

function describeError(error: Error, path: readonly unknown[]): Description {
  const parts: Record<string, Description> = {
    classes: classChain(error),
    instanceOf: Object.entries(knownErrors).flatMap(([name, type]) => (error instanceof type ? [name] : [])),
    name: error.name,
    // The engine's own words quote the source that failed: its line on Bun, the name in it on Node.
    message: / is not a function(?:\. \(In |$)/.test(error.message)
      ? 'not a function'
      : describe(error.message, path),
  }
  for (const name of Object.getOwnPropertyNames(error)) {
    if (unspokenParts.has(name) && !Object.getOwnPropertyDescriptor(error, name)?.enumerable) continue
    if (isSourcePosition(error, name)) continue
    const value: unknown = Reflect.get(error, name)
    parts[label(error, name)] = describe(value, path)
  }
  return parts
}

/** Bun gives errors `line`, `column` and `sourceURL` of their JS source; the server's own `line` is a string. */
function isSourcePosition(error: Error, name: string): boolean {
  return (
    name === 'sourceURL' ||
    ((name === 'line' || name === 'column') && typeof Reflect.get(error, name) === 'number')
  )
}

function classChain(value: object): Description[] {
  const chain: string[] = []
  for (let proto = Object.getPrototypeOf(value); proto !== null; proto = Object.getPrototypeOf(proto)) {
    chain.push(proto.constructor.name)
  }
  return chain
}

function label(owner: object, name: string): string {
  return Object.getOwnPropertyDescriptor(owner, name)?.enumerable ? name : `${name} (hidden)`
}

function typeName(value: object): string {
  return Object.getPrototypeOf(value)?.constructor?.name ?? 'null prototype'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** True when a description holds something a server said: any string, number, boolean, bigint, date or bytes. */
export function hasSubstance(description: Description): boolean {
  if (typeof description === 'string')
    return /^(string|number|boolean|bigint|Date|Buffer|Uint8Array) /.test(description)
  return Object.values(description).some(hasSubstance)
}

/** Where two descriptions differ, a line each; at most `limit` (default 12) and a count of the rest. Empty when equal. */
export function listDifferences(expected: Description, received: Description, limit = 12): readonly string[] {
  const found: string[] = []
  collectDifferences(expected, received, '', found)
  return found.length <= limit ? found : [...found.slice(0, limit), `and ${found.length - limit} more`]
}

function collectDifferences(
  expected: Description | undefined,
  received: Description | undefined,
  at: string,
  found: string[],
) {
  if (
    typeof expected === 'object' &&
    typeof received === 'object' &&
    Array.isArray(expected) === Array.isArray(received)
  ) {
    const [left, right] = [expected as Record<string, Description>, received as Record<string, Description>]
    const names = new Set([...Object.keys(left), ...Object.keys(right)])
    for (const name of names) collectDifferences(left[name], right[name], `${at}.${name}`, found)
  } else if (expected !== received) {
    found.push(`${at}: expected ${brief(expected)}, received ${brief(received)}`)
  }
}

function brief(description: Description | undefined): string {
  const text = typeof description === 'string' ? description : (JSON.stringify(description) ?? 'nothing')
  return text.length <= 500 ? text : `${text.slice(0, 500)}…`
}
