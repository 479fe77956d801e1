import { leftOut } from '@shared/database'

const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
const blank = /(?:\s|--[^\n\r]*)+/y
const quotedName = /"(?:[^"]|"")*"?/y
const parameter = /\$\d+/y
const number = /\.?\d(?:[eE][+-](?=\d)|[\w.])*/y
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y
const plainString = /(?:[bBxXnN]|[uU]&)?'((?:[^']|'')*)(?:'|$)/y
const escapeString = /[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|\\?$)/y

/**
 * Shows a statement without its data: each string and number becomes `?`, comments go, white space becomes one space.
 * Names, quoted ones too, keywords and `$1` stay. A text that was cut off in the middle of a string is masked to its end.
 *
 * @param length Of the whole, where `text` is its beginning: how many characters are missing stands at the end.
 * @see PostgreSQL, "Lexical Structure"
 */
export function maskStatement(text: string, length = text.length): string {
  let masked = ''
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found) at = pattern.lastIndex
    return found
  }
  while (at < text.length) {
    if (take(blank)) {
      masked += ' '
      continue
    }
    if (text.startsWith('/*', at)) {
      at = endOfComment(text, at)
      masked += ' '
      continue
    }
    const plain = take(plainString)
    // Where backslashes escape (standard_conforming_strings off) this string goes on, and nobody can tell where to.
    if (plain && /\\(?:'|$)/.test(plain[1] ?? '')) at = text.length
    const tag = plain ? null : take(dollarTag)
    if (tag) at = endOf(text, tag[0], at)
    if (plain || tag || take(escapeString) || take(number)) masked += '?'
    else masked += (take(word) ?? take(quotedName) ?? take(parameter))?.[0] ?? text[at++]
  }
  return masked.replaceAll(/\s+/g, ' ').trim() + leftOut(length - text.length)
}

function endOf(text: string, tag: string, from: number): number {
  const end = text.indexOf(tag, from)
  return end < 0 ? text.length : end + tag.length
}

/** Comments nest in PostgreSQL. One that was cut off reaches to the end. */
function endOfComment(text: string, start: number): number {
  const edge = /\/\*|\*\//g
  edge.lastIndex = start + 2
  for (let depth = 1; depth > 0; ) {
    const found = edge.exec(text)
    if (!found) return text.length
    depth += found[0] === '/*' ? 1 : -1
  }
  return edge.lastIndex
}
