import { limitText, sqlState } from '@shared/database'
import type { MiddlewareHandler } from 'hono'
import type { Lifecycle } from '../context/lifecycle.ts'
import { healthPaths } from '../health/health-routes.ts'
import type { Logger } from '../log/logger.ts'
import { toProblem } from '../problem/error-map.ts'
import { clientGone } from './bound-work.ts'

/** Of a path a client decides: it must not fill the log. */
const longestPath = 2_000

/**
 * Writes one line per request: never its query, headers or body.
 *
 * Routes that machines poll are quiet: one line when a route begins to fail, one when it has recovered.
 *
 * @param lifecycle While it starts or drains they are silent: not to be ready is what a service is meant to answer then.
 */
export function requestLog(logger: Logger, lifecycle?: Lifecycle): MiddlewareHandler {
  const failing = new Set<string>()
  // Searching five known fields for secrets takes longer than answering from the database.
  const plain = logger.child({}, { redact: [] })
  return async function requestLog(c, next) {
    const start = performance.now()
    await next()
    const { path, method } = c.req
    const { status } = c.res
    const watched = healthPaths.has(path)
    const regular = watched && c.error === undefined
    if (regular && (lifecycle?.state ?? 'ready') !== 'ready') return
    if (watched && !changes(failing, path, status >= 500)) return
    const line = {
      method,
      path: limitText(path, longestPath),
      status,
      durationMs: Math.round((performance.now() - start) * 10) / 10,
      requestId: c.get('requestId'),
      ...(status === clientGone ? { code: 'client-gone' } : failure(c.error)),
    }
    // 503 is the regular answer of a service that is not ready; an exception is not.
    const level = status < 500 ? 'info' : regular ? 'warn' : 'error'
    const writer = c.error === undefined ? plain : logger
    writer[level](line, `${method} ${line.path} ${status}`)
  }
}

/** Records whether a route fails; returns whether it did otherwise before. */
function changes(failing: Set<string>, path: string, fails: boolean): boolean {
  if (failing.has(path) === fails) return false
  if (fails) failing.add(path)
  else failing.delete(path)
  return true
}

/** A refused request needs no stack, as its code names the rule; a statement that the server refused does. */
function failure(error: Error | undefined) {
  if (error === undefined) return {}
  const { status, code } = toProblem(error)
  return status >= 500 || sqlState(error) !== null ? { code, err: error } : { code }
}
