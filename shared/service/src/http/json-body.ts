import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { Problem } from '../problem/problem.ts'

const json = /^application\/([\w.-]+\+)?json\s*(;|$)/i
const maxDepth = 32

/** Refuses a longer body with 413. */
export function limitBody(maxBytes: number): MiddlewareHandler {
  const tooLarge = new Problem({
    status: 413,
    code: 'body-too-large',
    detail: `A request body may have ${maxBytes} bytes at most.`,
  })
  return bodyLimit({ maxSize: maxBytes, onError: () => Promise.reject(tooLarge) })
}

/** Refuses a body that is not JSON with 415; Hono's validator would take it for an empty object. */
export const requireJson: MiddlewareHandler = async function requireJson(c, next) {
  const type = c.req.header('Content-Type')
  const hasBody = c.req.raw.body !== null && c.req.header('Content-Length') !== '0'
  if (hasBody && !json.test(type ?? '')) {
    throw new Problem({
      status: 415,
      code: 'unsupported-media-type',
      detail: 'Send the body as application/json.',
      headers: { Accept: 'application/json' },
    })
  }
  await next()
}

/**
 * Refuses JSON that parsers read differently: text that is not UTF-8 (decoding would change it silently), a key given
 * twice (which one counts?), and nesting deeper than 32.
 */
export const strictJson: MiddlewareHandler = async function strictJson(c, next) {
  if (c.req.raw.body !== null) {
    const text = decode(await c.req.arrayBuffer())
    const fault = text === null ? 'must be UTF-8' : jsonFault(text)
    if (fault !== null) {
      throw new Problem({ status: 400, code: 'malformed-json', detail: `The request body ${fault}.` })
    }
  }
  await next()
}

function decode(body: ArrayBuffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return null
  }
}

/** What is wrong with a JSON text beyond its grammar, which `JSON.parse` judges; null when nothing is. */
export function jsonFault(text: string): string | null {
  /** The keys of each object we are in; null for an array. */
  const levels: (Set<string> | null)[] = []
  let atKey = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '"') {
      const end = endOfString(text, i)
      const keys = levels.at(-1)
      if (atKey && keys) {
        const key = nameOf(text.slice(i, end + 1))
        if (keys.has(key)) return 'must not give a key twice'
        keys.add(key)
        atKey = false
      }
      i = end
    } else if (character === '{' || character === '[') {
      if (levels.length === maxDepth) return `must not nest deeper than ${maxDepth}`
      levels.push(character === '{' ? new Set() : null)
      atKey = character === '{'
    } else if (character === '}' || character === ']') {
      levels.pop()
      atKey = false
    } else if (character === ',') {
      atKey = levels.at(-1) instanceof Set
    }
  }
  return null
}

/** Where the closing quote is, or the end of a text that has none. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i
  }
  return text.length
}

/** `"\u0061"` and `"a"` are the same key. What is no string is left to `JSON.parse`. */
function nameOf(literal: string): string {
  if (!literal.includes('\\')) return literal
  try {
    return JSON.stringify(JSON.parse(literal))
  } catch {
    return literal
  }
}
