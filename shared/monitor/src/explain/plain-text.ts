// Control and format characters (escape sequences, bidi overrides, zero width), line separators, lone surrogates.
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
const hiddenBeyondAscii = /[\u007f\u0080-\uffff]/
const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * Shows what a terminal or a page would obey rather than print: each such character becomes an escape (`\n`, `\u{1b}`,
 * `\u{202e}`). For text that others chose, before it is put beside text of one's own.
 *
 * @see Unicode Technical Report #36, "Bidirectional Text Spoofing"
 */
export function showHidden(text: string): string {
  return text.replace(hidden, (found) => named[found] ?? `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`)
}

/** The same for every text in a JSON value, the names of its fields included. */
export function showHiddenIn(value: unknown): unknown {
  if (typeof value === 'string') return showHidden(value)
  if (Array.isArray(value)) return value.map(showHiddenIn)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [showHidden(name), showHiddenIn(member)]),
  )
}

/** Writes such characters in a JSON text as `\uXXXX`, which means the same to a parser. JSON itself escapes only those below U+0020. */
export function escapeHidden(json: string): string {
  // Most texts have none, and looking for a range is faster than looking for a class.
  if (!hiddenBeyondAscii.test(json)) return json
  return json.replace(hidden, (found) =>
    found < ' ' ? found : Array.from({ length: found.length }, (_, at) => escapeUnit(found, at)).join(''),
  )
}

function escapeUnit(text: string, at: number): string {
  return `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`
}
