import { harmlessFunctions } from './harmless-functions.ts'
import { lexSql, type Token } from './sql-lexer.ts'

const heads = new Set(['select', 'values', 'table', 'with', 'show'])

// SELECT can take rows for itself (FOR UPDATE and the like), make a table (INTO), and have statements that write in WITH.
const writing = new Set(['insert', 'update', 'delete', 'merge', 'into', 'share', 'operator'])

/** Words of the grammar that may stand before a parenthesis and call nothing that has an effect. */
const grammar = new Set(
  (
    'select from where and or not in any all some exists on as by having values when then else case end join lateral over ' +
    'filter using cast with recursive union except intersect distinct between like ilike similar limit offset fetch first ' +
    'next is isnull notnull array row rows range groups interval within group grouping sets rollup cube order partition ' +
    'coalesce nullif greatest least position overlay substring trim extract treat both leading trailing materialized ' +
    'collate escape normalize numeric decimal dec varchar varying char character bpchar nchar bit varbit time timestamp ' +
    'timestamptz timetz float current_time current_timestamp localtime localtimestamp json_object json_array json_arrayagg ' +
    'json_objectagg json_query json_value json_exists json_scalar json_serialize json'
  ).split(' '),
)

const operators = new Set(
  (
    '!! !~ !~* !~~ !~~* # ## #- #> #>> % & && &< &<| &> * *< *<= *<> *= *> *>= + - -> ->> -|- / < <-> << <<= <<| <= <> <@ <^ ' +
    '= > >= >> >>= >^ ? ?# ?& ?- ?-| ?| ?|| @ @-@ @> @? @@ @@@ ^ ^@ | |&> |/ |>> || ||/ ~ ~* ~<=~ ~<~ ~= ~>=~ ~>~ ~~ ~~* != =>'
  ).split(' '),
)

/**
 * Whether a text is known to have no effect, so that running it twice is like running it once: it reads, locks no rows, and
 * calls nothing but PostgreSQL's own functions and operators that have none. An allowlist: whatever is not known is not one.
 *
 * What a view, a policy, a cast or a domain's check does inside can't be seen; nor a function or operator of the user's with
 * the name and the very types of one of PostgreSQL's, unless search_path names pg_catalog behind another schema.
 */
export function isPlainRead(text: string): boolean {
  let before: Token | null = null
  let beforeThat: Token | null = null
  let third: Token | null = null
  let isFirst = true
  let isOver = false
  for (const token of lexSql(text)) {
    if (isOver) return false
    if (token.kind === 'mark' && token.value === ';') isOver = true
    if (isFirst && !(token.kind === 'mark' && token.value === '(')) {
      if (token.kind !== 'word' || !heads.has(token.value)) return false
      isFirst = false
    }
    if (token.kind === 'word' && writing.has(token.value)) return false
    if (token.kind === 'operator' && !operators.has(token.value)) return false
    if (token.kind === 'mark' && token.value === '(' && before && !callsNothing(before, beforeThat, third))
      return false
    third = beforeThat
    beforeThat = before
    before = token
  }
  return !isFirst
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
