import type { MiddlewareHandler } from 'hono'
import { Problem } from '../problem/problem.ts'

/** How a program that listens on the loopback interface is called. */
const loopbackNames: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]', '::1'])

/**
 * By which names a service may be called; null: any.
 *
 * In development nothing guards what it shows. A page elsewhere whose name is made to point at this machine (DNS rebinding) is of the
 * same origin for the browser, and could read and change all of it; its requests carry its own name.
 */
export function ownNames(env: {
  readonly NODE_ENV: string
  readonly HOST: string
}): ReadonlySet<string> | null {
  return env.NODE_ENV === 'development' && loopbackNames.has(env.HOST) ? loopbackNames : null
}

/** Refuses with 421 a request whose `Host` is none of the names. */
export function requireOwnName(names: ReadonlySet<string> | null): MiddlewareHandler {
  if (names === null) return (_c, next) => next()
  return async function requireOwnName(c, next) {
    if (!names.has(new URL(c.req.url).hostname)) throw misdirected(names)
    await next()
  }
}

function misdirected(names: ReadonlySet<string>): Problem {
  const detail = `In development this service answers to ${[...names].slice(0, 3).join(', ')} only. To reach it by another name, set HOST=0.0.0.0.`
  return new Problem({ status: 421, code: 'misdirected-request', detail })
}
