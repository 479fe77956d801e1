import { isPlainText } from '../host.ts'
import type { Read } from './read-uri.ts'

/** Whether a text is in the form that `readKeywordValues` reads. */
export const isKeywordValueForm = (text: string): boolean => /^\s*\w+\s*=/.test(text)

/**
 * Reads the keyword/value form: `host=db port=5432 dbname='my db' user=app`. Spaces may stand around the =; a value that is empty or
 * has spaces stands between single quotes; \ goes before ' and \.
 *
 * @see PostgreSQL, "Keyword/Value Connection Strings"
 */
export function readKeywordValues(text: string): Read {
  const entries: [string, string][] = []
  const pair = /\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'(?!\S)|(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*|)(?=\s|$)/sy
  const end = text.trimEnd().length
  while (pair.lastIndex < end) {
    const [, keyword = '', raw = ''] = pair.exec(text) ?? []
    if (keyword === '') return { problems: [misread] }
    const value = raw.replace(/^'(.*)'$/s, '$1').replace(/\\(.)/gs, '$1')
    if (!isPlainText(value)) return { problems: ['must not contain control characters'] }
    entries.push([keyword, value])
  }
  return { entries }
}

const misread =
  "cannot be read: write keyword=value pairs, a value with spaces between single quotes, and \\ before ' and \\ in it"
