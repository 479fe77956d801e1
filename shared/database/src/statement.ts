/**
 * What running a text means for the connection: `plain` leaves nothing behind; `stateful` may (SET, LISTEN, temporary
 * tables, session locks, several statements in one text); `transaction` control and `copy` make no sense outside the
 * layer's own transactions.
 */
export type StatementKind = 'plain' | 'stateful' | 'transaction' | 'copy'

/** What is known of a statement text on every connection of a database. */
export interface StatementInfo {
  readonly kind: StatementKind
  /** The parameters' type oids as the server resolved them; null until it has once. */
  types: number[] | null
  /** How long in ms the server takes for it, as its last runs had it: a moving average. 0 before the first. */
  tookMs: number
}

// A wait for a lock or a busy moment of this process must not make a text slow, nor one lucky run make it fast.
const runsToForget = 8

/** Notes how long a run of the text took. */
export function noteRun(info: StatementInfo, ms: number): void {
  info.tookMs = info.tookMs === 0 ? ms : info.tookMs + (ms - info.tookMs) / runsToForget
}

const start = String.raw`^\s*(?:(?:--[^\n]*\n|/\*.*?\*/)\s*)*`
const transactionText = new RegExp(
  `${start}(?:begin|start\\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\\s+transaction)\\b`,
  'is',
)
const copyText = new RegExp(`${start}copy\\b.*\\b(?:stdin|stdout)\\b`, 'is')
const statefulText = new RegExp(
  `${start}(?:set|reset|listen|unlisten|prepare|deallocate|declare|discard|load|lock|call|do)\\b` +
    '|\\bcreate\\s+(?:or\\s+replace\\s+)?(?:local\\s+|global\\s+)?temp(?:orary)?\\b' +
    '|\\binto\\s+(?:local\\s+|global\\s+)?temp(?:orary)?\\b' +
    '|\\b(?:set_config|setseed|pg_(?:try_)?advisory_lock(?:_shared)?|dblink_connect(?:_u)?)\\s*\\(' +
    // More than one statement in a text: what they do together is not worth guessing.
    '|;\\s*\\S',
  'is',
)

const readText = new RegExp(`${start}(?:select|values|table|show|with)\\b`, 'is')
const writesInside =
  /\b(?:insert|update|delete|merge|into|nextval|setval|notify|pg_notify|dblink|lo_\w+|pg_advisory\w*|pg_terminate_backend|pg_cancel_backend)\b/i

/** Whether running the text twice is like running it once: it reads, and calls nothing that is known to write. */
export function isRead(text: string): boolean {
  return readText.test(text) && !writesInside.test(text)
}

const call = /([\w".]+)\s*\(/g
// Words before a parenthesis that call nothing, and functions of the server's that every query builder uses.
const harmless =
  /^(?:select|from|where|and|or|not|in|any|all|some|exists|on|as|by|having|values|when|then|else|join|lateral|over|filter|using|cast|with|union|except|intersect|distinct|between|like|ilike|limit|offset|is|array|row|interval|numeric|decimal|varchar|char|timestamp|timestamptz|time|count|sum|avg|min|max|coalesce|nullif|greatest|least|lower|upper|length|trim|concat|substring|abs|round|now|date_trunc|extract|to_char|json_build_array|json_build_object|json_agg|jsonb_agg|array_agg|string_agg|row_number|rank|generate_series)$/i

/** A read whose text calls nothing but functions known to only read. What a view does inside can't be seen. */
export function isPlainRead(text: string): boolean {
  return isRead(text) && [...text.matchAll(call)].every(([, name = '']) => harmless.test(name))
}

/** Reads off the text what running it may leave on its connection. A function that does so inside can't be seen. */
export function classifyStatement(text: string): StatementKind {
  if (copyText.test(text)) return 'copy'
  if (statefulText.test(text)) return 'stateful'
  return transactionText.test(text) ? 'transaction' : 'plain'
}

// Beyond this a text is dynamic SQL, and remembering more of it only costs memory.
const mostTexts = 2_000

/** Remembers what is known of the texts in use; forgets all of them when they become too many. */
export class StatementCatalog {
  readonly #infos = new Map<string, StatementInfo>()

  info(text: string): StatementInfo {
    let info = this.#infos.get(text)
    if (!info) {
      if (this.#infos.size >= mostTexts) this.#infos.clear()
      info = { kind: classifyStatement(text), types: null, tookMs: 0 }
      this.#infos.set(text, info)
    }
    return info
  }
}
