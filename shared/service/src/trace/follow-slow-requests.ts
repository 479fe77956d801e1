import type { MiddlewareHandler } from 'hono'
import type { SlowRequests } from '../context/slow-requests.ts'
import { healthPaths } from '../health/health-routes.ts'
import { traceIds } from '../log/trace-ids.ts'
import { methodOf, routeOf } from './request-names.ts'

/** Has the slow and the failed requests kept, with what their database work took; health routes are left out. */
export function followSlowRequests(slow: SlowRequests | undefined): MiddlewareHandler {
  if (slow === undefined) return (_c, next) => next()
  return function followSlowRequests(c, next) {
    if (healthPaths.has(c.req.path)) return next()
    const answer = async () => {
      await next()
      return c.res.status
    }
    return slow.follow(answer, () => ({
      method: methodOf(c),
      route: routeOf(c),
      requestId: c.get('requestId') ?? null,
      traceId: traceIds().trace_id ?? null,
    }))
  }
}
