/**
 * A piece of SQL: a `word` (keyword or identifier, in lower case), a `quoted` identifier (as it is meant), a `text` constant
 * (its source), a `number`, a `parameter` ($1), an `operator`, or a `mark`, one of ( ) [ ] , ; : and the dot.
 */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'text' | 'number' | 'parameter' | 'operator' | 'mark'
  readonly value: string
  /** Where it is in the text. */
  readonly from: number
  readonly to: number
}

const space = /[\s\uFEFF]+/y
const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
const number = /\.?\d[\w.]*/y
const parameter = /\$\d+/y
const dollarQuote = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y
const lineEnd = /[\r\n]/g
const continued = /[ \t\f\v]*[\r\n]\s*'/y
const operator = /[-+*/<>=~!@#%^&|`?]+/y

/**
 * Takes SQL apart as PostgreSQL's own lexer does (scan.l, with standard_conforming_strings on), without comments and white
 * space. Each character is looked at a bounded number of times. A constant or comment without an end reaches to the end of
 * the text: the server will refuse it.
 */
export function* lexSql(text: string): Generator<Token, void> {
  let at = 0
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0] ?? null
  }
  while (at < text.length) {
    const char = text[at] as string
    const next = text[at + 1]
    const from = at
    if (match(space)) at = space.lastIndex
    else if (char === '-' && next === '-') at = endOfLine(text, at)
    else if (char === '/' && next === '*') at = endOfComment(text, at)
    else if (char === "'") {
      at = endOfQuoted(text, at, "'", false)
      yield { kind: 'text', value: text.slice(from, at), from, to: at }
    } else if (char === '"') {
      at = endOfQuoted(text, at, '"', false)
      yield { kind: 'quoted', value: unquote(text.slice(from, at)), from, to: at }
    } else if (match(parameter)) {
      at = parameter.lastIndex
      yield { kind: 'parameter', value: text.slice(from, at), from, to: at }
    } else if (char === '$' && match(dollarQuote)) {
      const tag = text.slice(from, dollarQuote.lastIndex)
      at = endOf(text, tag, dollarQuote.lastIndex)
      yield { kind: 'text', value: text.slice(from, at), from, to: at }
    } else if (match(word)) {
      at = word.lastIndex
      const value = text.slice(from, at).toLowerCase()
      const quote = text[at]
      if (quote === "'" && /^[ebxn]$/.test(value)) {
        at = value === 'e' ? endOfEscaped(text, at) : endOfQuoted(text, at, quote, false)
        yield { kind: 'text', value: text.slice(from, at), from, to: at }
      } else if (value === 'u' && quote === '&' && (text[at + 1] === "'" || text[at + 1] === '"')) {
        const inner = at + 1
        at = endOfQuoted(text, inner, text[inner] as string, false)
        const isName = text[inner] === '"'
        yield { kind: isName ? 'quoted' : 'text', value: text.slice(from, at), from, to: at }
      } else yield { kind: 'word', value, from, to: at }
    } else if (match(number)) {
      at = number.lastIndex
      yield { kind: 'number', value: text.slice(from, at), from, to: at }
    } else if (match(operator)) {
      at = endOfOperator(text, at, operator.lastIndex)
      yield { kind: 'operator', value: text.slice(from, at), from, to: at }
    } else {
      at++
      yield { kind: 'mark', value: char, from, to: at }
    }
  }
}

function endOfLine(text: string, from: number): number {
  lineEnd.lastIndex = from
  return lineEnd.exec(text) ? lineEnd.lastIndex : text.length
}

/** A constant with escapes goes on behind a line break, with escapes. */
function endOfEscaped(text: string, from: number): number {
  let at = endOfQuoted(text, from, "'", true)
  for (;;) {
    continued.lastIndex = at
    if (!continued.test(text)) return at
    at = endOfQuoted(text, continued.lastIndex - 1, "'", true)
  }
}

/** Behind the next occurrence of `end` from `at` on. */
function endOf(text: string, end: string, at: number): number {
  const place = text.indexOf(end, at)
  return place < 0 ? text.length : place + end.length
}

/** Comments nest. */
function endOfComment(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text[at] === '/' && text[at + 1] === '*') {
      depth++
      at++
    } else if (text[at] === '*' && text[at + 1] === '/') {
      depth--
      at++
      if (depth === 0) return at + 1
    }
  }
  return text.length
}

/** A doubled quote stands for itself; with `escapes`, so does one behind a backslash. */
function endOfQuoted(text: string, from: number, quote: string, escapes: boolean): number {
  for (let at = from + 1; at < text.length; at++) {
    if (escapes && text[at] === '\\') at++
    else if (text[at] === quote) {
      if (text[at + 1] !== quote) return at + 1
      at++
    }
  }
  return text.length
}

/** An operator ends where a comment begins. */
function endOfOperator(text: string, from: number, to: number): number {
  for (let at = from + 1; at < to; at++) {
    const pair = text.slice(at, at + 2)
    if (pair === '--' || pair === '/*') return at
  }
  return to
}

function unquote(source: string): string {
  return source.slice(1, source.endsWith('"') && source.length > 1 ? -1 : undefined).replaceAll('""', '"')
}
