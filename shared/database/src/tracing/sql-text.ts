import { lexSql, type Token } from '../session/sql-lexer.ts'
import { summarize } from './sql-summary.ts'

/** What a trace says of a statement's text. */
export interface SqlText {
  /** The text with `?` for every constant, without comments. */
  readonly text: string
  /** What it does to what, of which there are few: `SELECT products`, `INSERT orders SELECT carts`. */
  readonly summary: string
  /** What it does: `SELECT`, `INSERT`, `CREATE TABLE`. */
  readonly operation: string
}

/** Describes a statement without its constants. Parameters (`$1`) stay: their values are not in the text. */
export function describeSql(text: string): SqlText {
  const tokens: Token[] = []
  let masked = ''
  let end = 0
  for (const token of lexSql(text)) {
    const { kind, from, to } = token
    // What is between two tokens is white space or comments.
    if (from > end && masked !== '') masked += ' '
    end = to
    const source = text.slice(from, to)
    masked += kind === 'text' || kind === 'number' ? '?' : source
    tokens.push(token)
    // With standard_conforming_strings off this quote is inside of the constant: where it ends is not known.
    if (kind === 'text' && source.startsWith("'") && source.includes("\\'")) break
  }
  return { text: masked, ...summarize(tokens) }
}
