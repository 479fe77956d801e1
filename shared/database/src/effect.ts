import { harmlessFunctions } from './harmless-functions.ts'
import { lexSql, type Token } from './sql-lexer.ts'

const readingHeads = new Set(['select', 'values', 'table', 'with', 'show'])
const writingHeads = new Set(['insert', 'update', 'delete', 'merge'])

// SELECT can lock rows (FOR UPDATE, FOR SHARE), and WITH can hold statements that write.
const writing = new Set([...writingHeads, 'share'])

/** Words of the grammar that may stand before a parenthesis and call nothing that has an effect. */
const grammar = new Set(
  (
    'select from where and or not in any all some exists on as by having values when then else case end join lateral over ' +
    'filter using cast with recursive union except intersect distinct between like ilike similar limit offset fetch first ' +
    'next is isnull notnull array row rows range groups interval within group grouping sets rollup cube order partition ' +
    'coalesce nullif greatest least position overlay substring trim extract treat both leading trailing materialized ' +
    'collate escape normalize numeric decimal dec varchar varying char character bpchar nchar bit varbit time timestamp ' +
    'timestamptz timetz float current_time current_timestamp localtime localtimestamp json_object json_array json_arrayagg ' +
    'json_objectagg json_query json_value json_exists json_scalar json_serialize json set insert conflict returning'
  ).split(' '),
)

const operators = new Set(
  (
    '!! !~ !~* !~~ !~~* # ## #- #> #>> % & && &< &<| &> * *< *<= *<> *= *> *>= + - -> ->> -|- / < <-> << <<= <<| <= <> <@ <^ ' +
    '= > >= >> >>= >^ ? ?# ?& ?- ?-| ?| ?|| @ @-@ @> @? @@ @@@ ^ ^@ | |&> |/ |>> || ||/ ~ ~* ~<=~ ~<~ ~= ~>=~ ~>~ ~~ ~~* != =>'
  ).split(' '),
)

/**
 * What is known of a text's effect: it has `none`, so that running it twice is like running it once; it changes or locks
 * `rows` and does nothing else, so that nothing of it is left when it fails; or it is `unknown`.
 */
export type Effect = 'none' | 'rows' | 'unknown'

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
    else if (opens && name && !callsNothing(name, before, beforeThat)) return 'unknown'
    if (isTarget && kind === 'word' && /^(?:select|values|default|with|using)$/.test(value)) isTarget = false
    beforeThat = before
    before = name
    name = token
  }
  return isFirst ? 'unknown' : effect
}

/** Whether a parenthesis behind these tokens calls nothing that could have an effect. */
function callsNothing(name: Token, before: Token | null, beforeThat: Token | null): boolean {
  if (name.kind !== 'word' && name.kind !== 'quoted') return true
  if (before?.kind === 'mark' && before.value === '.')
    return beforeThat?.value === 'pg_catalog' && harmlessFunctions.has(name.value)
  // A column list behind an alias.
  if (before?.kind === 'word' && before.value === 'as') return true
  return (name.kind === 'word' && grammar.has(name.value)) || harmlessFunctions.has(name.value)
}
