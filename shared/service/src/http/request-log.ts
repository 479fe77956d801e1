import { sqlState } from '@shared/database'
import type { MiddlewareHandler } from 'hono'
import { healthPaths } from '../health/health-routes.ts'
import type { Logger } from '../log/logger.ts'
import { toProblem } from '../problem/error-map.ts'
import { clientGone } from './bound-work.ts'

/**
 * Writes one line per request: never its query, headers or body.
 *
 * Routes that machines poll are quiet: one line when a route begins to fail, one when it has recovered.
 */
export function requestLog(logger: Logger): MiddlewareHandler {
  const failing = new Set<string>()
  // Searching five known fields for secrets takes longer than answering from the database.
  const plain = logger.child({}, { redact: [] })
  return async function requestLog(c, next) {
    const start = performance.now()
    await next()
    const { path, method } = c.req
    const { status } = c.res
    const watched = healthPaths.has(path)
    if (watched && !changes(failing, path, status >= 500)) return
    const line = {
      method,
      path: path.slice(0, 200),
      status,
      durationMs: Math.round((performance.now() - start) * 10) / 10,
      requestId: c.get('requestId'),
      ...(status === clientGone ? { code: 'client-gone' } : failure(c.error)),
    }
    // 503 is the regular answer of a service that is not ready; an exception is not.
    const level = status < 500 ? 'info' : watched && c.error === undefined ? 'warn' : 'error'
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
