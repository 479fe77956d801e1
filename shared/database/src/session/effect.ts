import type { Effect } from '../connection/statement.ts'
import { harmlessFunctions } from './harmless-functions.ts'
import { lexSql, type Token } from './sql-lexer.ts'

const readingHeads = new Set(['select', 'values', 'table', 'with', 'show'])
const writingHeads = new Set(['insert', 'update', 'delete', 'merge'])

// SELECT can lock rows (FOR UPDATE, FOR SHARE), and WITH can hold statements that write.
const writing = new Set([...writingHeads, 'share'])

/** Words that may stand before a parenthesis and can be no function's name: reserved, or names of columns only. */
const reserved = new Set(
  (
    'select from where and or not in any all some on as having when then else case end union except intersect distinct limit ' +
    'offset fetch null array using cast with lateral between exists group grouping order row values coalesce nullif greatest ' +
    'least overlay position substring trim extract treat normalize both leading trailing returning numeric decimal dec ' +
    'varchar char character nchar bit time timestamp interval float current_time current_timestamp localtime ' +
    'localtimestamp json json_object json_array json_arrayagg json_objectagg json_query json_value json_exists json_scalar ' +
    'json_serialize'
  ).split(' '),
)

/** Words that can be a function's name too: what they are depends on the word before. */
const contextual: Readonly<Record<string, (before: Token) => boolean>> = {
  over: (before) => before.value === ')',
  filter: (before) => before.value === ')',
  like: isOperand,
  ilike: isOperand,
  join: (before) => isOperand(before) || /^(?:inner|left|right|full|outer|cross)$/.test(before.value),
  by: ({ value }) => value === 'group' || value === 'order' || value === 'partition',
  varying: ({ value }) => value === 'character' || value === 'char' || value === 'bit',
  conflict: ({ value }) => value === 'on',
  insert: ({ value }) => value === 'then',
}

function isOperand({ kind, value }: Token): boolean {
  if (kind === 'word') return !reserved.has(value) && value !== 'by'
  return kind === 'mark' ? value === ')' || value === ']' : kind !== 'operator'
}

const operators = new Set(
  (
    '!! !~ !~* !~~ !~~* # ## #- #> #>> % & && &< &<| &> * *< *<= *<> *= *> *>= + - -> ->> -|- / < <-> << <<= <<| <= <> <@ <^ ' +
    '= > >= >> >>= >^ ? ?# ?& ?- ?-| ?| ?|| @ @-@ @> @? @@ @@@ ^ ^@ | |&> |/ |>> || ||/ ~ ~* ~<=~ ~<~ ~= ~>=~ ~>~ ~~ ~~* != =>'
  ).split(' '),
)

/**
 * Reads the effect of a text off its words. It is an allowlist: what calls anything but PostgreSQL's own functions and
 * operators that are known to have no effect is unknown.
 *
 * What a view, a trigger, a policy, a cast or a domain's check does inside can't be seen; nor a function or operator of the
 * user's with the name and the very types of one of PostgreSQL's, where search_path names pg_catalog behind another schema.
 */
export function effectOf(text: string): Effect {
  let effect: Effect = 'none'
  let name: Token | null = null
  let before: Token | null = null
  let beforeThat: Token | null = null
  let third: Token | null = null
  let isFirst = true
  let isOver = false
  /** Behind INTO stands a table, and its columns in parentheses. */
  let isTarget = false
  for (const token of lexSql(text)) {
    const { kind, value } = token
    const opens = kind === 'mark' && value === '('
    if (isOver) return 'unknown'
    if (kind === 'mark' && value === ';') isOver = true
    if (isFirst && !opens) {
      if (kind !== 'word' || !(readingHeads.has(value) || writingHeads.has(value))) return 'unknown'
      isFirst = false
    }
    if (kind === 'word' && writing.has(value)) effect = 'rows'
    if (kind === 'word' && value === 'into') {
      // SELECT INTO makes a table.
      if (name?.value !== 'insert' && name?.value !== 'merge') return 'unknown'
      isTarget = true
    }
    if (kind === 'word' && value === 'operator') return 'unknown'
    if (kind === 'operator' && !operators.has(value)) return 'unknown'
    if (opens && isTarget) isTarget = false
    else if (opens && name && !callsNothing(name, before, beforeThat, third)) return 'unknown'
    if (isTarget && kind === 'word' && /^(?:select|values|default|with|using)$/.test(value)) isTarget = false
    third = beforeThat
    beforeThat = before
    before = name
    name = token
  }
  return isFirst ? 'unknown' : effect
}

/** Whether a parenthesis behind these tokens, the last one first, calls nothing that could have an effect. */
function callsNothing(
  name: Token,
  before: Token | null,
  beforeThat: Token | null,
  third: Token | null,
): boolean {
  if (name.kind !== 'word' && name.kind !== 'quoted') return true
  if (before?.value === '.')
    return beforeThat?.value === 'pg_catalog' && third?.value !== '.' && harmlessFunctions.has(name.value)
  // A column list behind an alias.
  if (before?.kind === 'word' && before.value === 'as') return true
  if (harmlessFunctions.has(name.value)) return true
  if (name.kind === 'quoted') return false
  return reserved.has(name.value) || (before !== null && contextual[name.value]?.(before) === true)
}
