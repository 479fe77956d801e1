import type { Token } from '../session/sql-lexer.ts'

/** What a statement does, and to what. */
export interface Summary {
  readonly summary: string
  readonly operation: string
}

// OpenTelemetry: "SHOULD be truncated at 255".
const longest = 255

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))
const operations = words('select insert update delete merge values table')
const withObject = words('create alter drop')
const beforeObject = words('or replace unique temp temporary unlogged global local recursive')
const beforeName = words('only lateral')
const endsFrom = words(
  'where group having window order limit offset fetch for union intersect except returning set',
)

/**
 * Says what a statement does to what, in the order of its text, as OpenTelemetry's `db.query.summary` has it. Names of WITH are
 * left out.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/database/database-spans/#generating-a-summary-of-the-query
 */
export function summarize(tokens: readonly Token[]): Summary {
  return new Scan(tokens).summary()
}

/** What is open in one parenthesis, or outside of all. */
interface Level {
  /** Empty where it is an expression: `extract(year from day)` reads no table. */
  operation: string
  /** Whether what follows a comma is another table. */
  isInFrom: boolean
}

class Scan {
  readonly #tokens: readonly Token[]
  readonly #parts: string[] = []
  readonly #withNames = new Set<string>()
  readonly #levels: Level[] = [{ operation: '', isInFrom: false }]
  /** The first operation, and the first that is in no parenthesis: that of a WITH. */
  #first = ''
  #main = ''

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  summary(): Summary {
    const head = this.#head()
    if (head !== '') this.#parts.push(head)
    for (let index = 0; index < this.#tokens.length; index++) this.#take(index)
    const summary = this.#parts.join(' ')
    return {
      summary: summary.length <= longest ? summary : summary.slice(0, summary.lastIndexOf(' ', longest)),
      operation: head || this.#main || this.#first,
    }
  }

  /** What a text begins with that is none of the operations: `EXPLAIN`, `CREATE TABLE`. */
  #head(): string {
    const head = this.#word(0)
    if (head === '' || head === 'with' || operations.has(head)) return ''
    if (!withObject.has(head)) return head.toUpperCase()
    let at = 1
    while (beforeObject.has(this.#word(at))) at++
    return `${head} ${this.#word(at)}`.trim().toUpperCase()
  }

  #take(index: number): void {
    const { kind, value } = this.#tokens[index] as Token
    const level = this.#levels.at(-1) as Level
    if (kind === 'mark') {
      if (value === '(') this.#levels.push({ operation: '', isInFrom: false })
      else if (value === ')' && this.#levels.length > 1) this.#levels.pop()
      else if (value === ',' && level.isInFrom) this.#addName(index + 1)
    } else if (kind === 'word') this.#takeWord(index, value, level)
  }

  #takeWord(index: number, value: string, level: Level): void {
    if (this.#beginsOperation(index, value)) {
      level.operation = value
      level.isInFrom = false
      const operation = value.toUpperCase()
      this.#parts.push(operation)
      this.#first ||= operation
      if (this.#levels.length === 1) this.#main ||= operation
      if (value === 'update' || value === 'table') this.#addName(index + 1)
    } else if (value === 'as') this.#noteWithName(index)
    else if (value === 'join' || value === 'into') this.#addName(index + 1)
    else if (this.#opensFrom(index, value, level)) {
      level.isInFrom = true
      this.#addName(index + 1)
    } else if (endsFrom.has(value)) level.isInFrom = false
  }

  /** FOR UPDATE and DO UPDATE are none, nor VALUES behind the columns of an INSERT. */
  #beginsOperation(index: number, value: string): boolean {
    if (value === 'select') return true
    if (!operations.has(value)) return false
    const before = this.#tokens[index - 1]?.value
    if (before === undefined || before === '(' || before === ';') return true
    return before === ')' && value !== 'values' && value !== 'table'
  }

  #opensFrom(index: number, value: string, { operation }: Level): boolean {
    if (operation === '') return false
    if (value === 'using') return operation === 'delete' || operation === 'merge'
    return value === 'from' && this.#word(index - 1) !== 'distinct'
  }

  /** `name as (…)`, `name (columns) as not materialized (…)`. */
  #noteWithName(index: number): void {
    let after = index + 1
    while (/^(?:not|materialized)$/.test(this.#word(after))) after++
    if (this.#tokens[after]?.value !== '(') return
    let at = index - 1
    if (this.#tokens[at]?.value === ')') {
      while (at > 0 && this.#tokens[at]?.value !== '(') at--
      at--
    }
    const name = this.#tokens[at]
    if (name) this.#withNames.add(name.value)
  }

  #addName(from: number): void {
    let at = from
    while (beforeName.has(this.#word(at))) at++
    const names: string[] = []
    for (;;) {
      const token = this.#tokens[at]
      if (token?.kind !== 'word' && token?.kind !== 'quoted') break
      names.push(shown(token))
      if (this.#tokens[at + 1]?.value !== '.') break
      at += 2
    }
    const name = names.join('.')
    if (name !== '' && name !== 'select' && !this.#withNames.has(name)) this.#parts.push(name)
  }

  #word(index: number): string {
    const token = this.#tokens[index]
    return token?.kind === 'word' ? token.value : ''
  }
}

function shown({ kind, value }: Token): string {
  return kind === 'word' || /^[\w$]+$/.test(value) ? value : JSON.stringify(value)
}
