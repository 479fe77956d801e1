import type { MiddlewareHandler } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import type { HealthAccess } from '../context/context.ts'
import { Problem } from '../problem/problem.ts'

/**
 * Guards what tells more than whether the service is well: `/health/detailed`, `/health/monitor`, `/metrics`, `/openapi.json`
 * and `/docs`.
 *
 * Hono's bearerAuth compares digests in constant time.
 */
export function guardDetails(access: HealthAccess = { details: 'never' }): MiddlewareHandler {
  if (access.details === 'always') return (_c, next) => next()
  if (access.details === 'token') {
    if (!access.token) throw new TypeError('health.details is "token": give health.token too.')
    return bearerAuth({ token: access.token, realm: 'health' })
  }
  return () => {
    throw new Problem({ status: 404, code: 'not-found', detail: 'There is nothing at this address.' })
  }
}

/** For answers that are of this moment only. */
export async function noStore(...[c, next]: Parameters<MiddlewareHandler>): Promise<void> {
  await next()
  c.header('Cache-Control', 'no-store')
}
