import type { MiddlewareHandler } from 'hono'
import type { RequestCounts } from '../context/requests.ts'
import { healthPaths } from '../health/health-routes.ts'

/** Counts requests; those to health routes are not what a client came for. */
export function countRequests(counts: RequestCounts): MiddlewareHandler {
  return async function countRequests(c, next) {
    if (healthPaths.has(c.req.path)) return next()
    counts.begun()
    let status = 500
    try {
      await next()
      ;({ status } = c.res)
    } finally {
      counts.answered(status)
    }
  }
}
