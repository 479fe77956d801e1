import type { StatementKind } from '../connection/statement.ts'
import { withoutCursor } from './cursor.ts'
import { lexSql, type Token } from './sql-lexer.ts'

const statefulHeads = new Set(
  'set reset listen unlisten prepare execute deallocate declare discard load call do'.split(' '),
)
const transactionHeads = new Set('begin start commit end rollback abort savepoint release'.split(' '))
// SET TRANSACTION and its like, whose effect ends with the transaction.
const localSettings = new Set(['local', 'transaction', 'constraints'])
const statefulFunctions = new Set(
  (
    'set_config setseed pg_advisory_lock pg_advisory_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared ' +
    'dblink_connect dblink_connect_u pg_backup_start pg_start_backup'
  ).split(' '),
)

/** Reads off the text what running it may leave on its connection. A function that does so inside can't be seen. */
export function classifyStatement(text: string): StatementKind {
  const scan = new StatementScan()
  for (const token of lexSql(withoutCursor(text))) {
    scan.take(token)
    if (scan.isStateful && !scan.mayBeCopy) return 'stateful'
  }
  return scan.kind()
}

/** What one pass over a text's tokens finds. */
class StatementScan {
  isStateful = false
  #head = ''
  #second = ''
  #count = 0
  #isLocal = false
  #isCopy = false
  #isEnded = false
  #isUpdate = false
  #previous: Token | null = null
  /** Parentheses open now; where a call of set_config is open, at which depth, and what its last argument says. */
  #depth = 0
  #setConfigDepth = -1
  #lastArgument: string[] = []

  get mayBeCopy(): boolean {
    return this.#head === 'copy'
  }

  get #isPreparedCommit(): boolean {
    return this.#head === 'prepare' && this.#second === 'transaction'
  }

  take(token: Token): void {
    const { kind, value } = token
    if (kind === 'mark' && value === ';') {
      this.#isEnded = true
      return
    }
    // More than one statement in a text: what they do together is not worth guessing.
    if (this.#isEnded) this.isStateful = true
    this.#count++
    if (this.#count === 1) this.#head = kind === 'word' ? value : ''
    if (this.#count === 2) {
      this.#second = kind === 'word' ? value : ''
      this.#begin()
    }
    if (kind === 'word' || kind === 'quoted') this.#name(value, kind === 'word')
    if (kind === 'mark') this.#mark(value)
    else if (this.#depth === this.#setConfigDepth) this.#lastArgument.push(value)
    this.#previous = token
  }

  kind(): StatementKind {
    if (this.#count === 1) this.#begin()
    if (this.#isCopy) return 'copy'
    if (this.isStateful) return 'stateful'
    if (transactionHeads.has(this.#head) || this.#isPreparedCommit) return 'transaction'
    return this.#isLocal ? 'local' : 'plain'
  }

  #begin(): void {
    const head = this.#head
    if ((head === 'set' && localSettings.has(this.#second)) || head === 'lock') this.#isLocal = true
    else if (statefulHeads.has(head) && !this.#isPreparedCommit) this.isStateful = true
  }

  #name(value: string, isWord: boolean): void {
    if (isWord && this.#head === 'copy' && (value === 'stdin' || value === 'stdout')) this.#isCopy = true
    if (isWord && value === 'update') this.#isUpdate = true
    const follows = this.#previous?.kind === 'word' ? this.#previous.value : ''
    const isTemporary = isWord && (value === 'temp' || value === 'temporary')
    if (isTemporary && /^(?:create|replace|local|global|into)$/.test(follows)) this.isStateful = true
    // A name in escapes may be any.
    if (!isWord && /^u&"/i.test(value)) this.isStateful = true
    // A temporary table by its schema's name, and a setting by the view of all.
    if (/^pg_temp(?:_|$)/.test(value) || (value === 'pg_settings' && this.#isUpdate)) this.isStateful = true
  }

  #mark(value: string): void {
    if (value === '(') {
      this.#depth++
      const name = this.#previous
      if ((name?.kind === 'word' || name?.kind === 'quoted') && statefulFunctions.has(name.value)) {
        if (name.value === 'set_config' && this.#setConfigDepth < 0) this.#setConfigDepth = this.#depth
        else this.isStateful = true
        this.#lastArgument = []
      }
    } else if (value === ')') {
      if (this.#depth === this.#setConfigDepth) {
        // Its last argument says whether the setting ends with the transaction.
        const [first, arrow, last] = this.#lastArgument
        const argument = arrow === '=>' ? last : this.#lastArgument.length === 1 ? first : undefined
        if (argument === 'true') this.#isLocal = true
        else this.isStateful = true
        this.#setConfigDepth = -1
      }
      this.#depth--
    } else if (value === ',' && this.#depth === this.#setConfigDepth) this.#lastArgument = []
  }
}
