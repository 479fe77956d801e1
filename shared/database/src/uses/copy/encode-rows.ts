import { ConfigurationError } from '@shared/pool'

const chunkCharacters = 65_536
const toEscape = /[\\\b\f\n\r\t\v]/g
const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/**
 * Writes rows of values in COPY's text format, for `copyIn()`.
 *
 * null and undefined are null; texts, numbers, bigints and booleans are themselves, a Date its ISO 8601 text, bytes a bytea, an object its
 * JSON. An array has no form of its own, as json and an array of the database look alike: give its text.
 *
 * @throws {ConfigurationError} for a value of another kind, with its place and never itself.
 */
export async function* encodeCopyRows(
  rows: Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>,
): AsyncGenerator<string, void> {
  const lines = new Lines()
  // An iterable is not awaited row by row.
  if (Symbol.iterator in rows) for (const row of rows) if (lines.add(row)) yield lines.take()
  if (Symbol.asyncIterator in rows) for await (const row of rows) if (lines.add(row)) yield lines.take()
  const last = lines.take()
  if (last !== '') yield last
}

/** The text of rows that were added and not taken. */
class Lines {
  #text = ''
  #count = 0

  /** @returns Whether there is enough to be taken. */
  add(row: readonly unknown[]): boolean {
    this.#count++
    let line = ''
    for (let index = 0; index < row.length; index++) {
      if (index > 0) line += '\t'
      line += encode(row[index], this.#count, index)
    }
    this.#text += `${line}\n`
    return this.#text.length >= chunkCharacters
  }

  take(): string {
    const text = this.#text
    this.#text = ''
    return text
  }
}

/** @see PostgreSQL, COPY, "Text Format" */
function encode(value: unknown, row: number, index: number): string {
  if (value === null || value === undefined) return '\\N'
  if (typeof value === 'string') return value.replace(toEscape, (character) => escapes[character] as string)
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value)
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString()
  if (value instanceof Uint8Array) return `\\\\x${Buffer.from(value).toString('hex')}`
  if (typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date))
    return encode(JSON.stringify(value), row, index)
  const kind = Array.isArray(value)
    ? 'an array'
    : value instanceof Date
      ? 'a Date that is none'
      : typeof value
  throw new ConfigurationError(
    `Row ${row}, value ${index + 1} of encodeCopyRows() is ${kind}, which COPY has no text for. Give the text that the column reads.`,
  )
}
