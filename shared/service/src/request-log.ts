import { sqlState } from '@shared/database'
import type { MiddlewareHandler } from 'hono'
import { clientGone } from './bound-work.ts'
import { toProblem } from './error-map.ts'
import { healthPaths } from './health-routes.ts'
import type { Logger } from './logger.ts'

/** Writes one line a request: never its query, headers or body. Health routes are left out. */
export function requestLog(logger: Logger): MiddlewareHandler {
  return async function requestLog(c, next) {
    const start = performance.now()
    await next()
    const { path, method } = c.req
    if (healthPaths.has(path)) return
    const { status } = c.res
    const line = {
      method,
      path: path.slice(0, 200),
      status,
      durationMs: Math.round((performance.now() - start) * 10) / 10,
      requestId: c.get('requestId'),
      ...(status === clientGone ? { code: 'client-gone' } : failure(c.error)),
    }
    logger[status >= 500 ? 'error' : 'info'](line, `${method} ${line.path} ${status}`)
  }
}

/** A refused request needs no stack: its code says which rule it broke. What the server refused does. */
function failure(error: Error | undefined) {
  if (error === undefined) return {}
  const { status, code } = toProblem(error)
  return status >= 500 || sqlState(error) !== null ? { code, err: error } : { code }
}
