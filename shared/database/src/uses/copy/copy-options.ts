import type { Bounds } from '../../session/work.ts'

/** How the bytes of a COPY are written, as COPY's options of the same names. */
export interface CopyFormat {
  /** Columns in the order of the bytes, as Drizzle's table or the database names them. Default: all. */
  columns?: readonly string[]
  /** Default 'text', as `encodeCopyRows()` writes it. */
  format?: 'text' | 'csv' | 'binary'
  /** Whether the first line names the columns; not with 'binary'. Default false. */
  header?: boolean
  /** One character between columns; not with 'binary'. Default: a tab, or a comma with 'csv'. */
  delimiter?: string
  /** What stands for null; not with 'binary'. Default '\\N', or nothing with 'csv'. */
  null?: string
}

export interface CopyOptions extends CopyFormat, Bounds {
  /** Longest time in ms that the source may give nothing, or the consumer take nothing. Infinity: no limit. Default 60 000. */
  idleTimeoutMs?: number
}

export const usualIdleMs = 60_000

/** The options in the statement. */
export function formatClause({ format = 'text', header, delimiter, null: nullText }: CopyFormat): string {
  const options = [`format ${format}`]
  if (header !== undefined) options.push(`header ${header}`)
  if (delimiter !== undefined) options.push(`delimiter ${quoted(delimiter)}`)
  if (nullText !== undefined) options.push(`null ${quoted(nullText)}`)
  return `with (${options.join(', ')})`
}

function quoted(text: string): string {
  const doubled = text.replaceAll("'", "''")
  return text.includes('\\') ? ` E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`
}
