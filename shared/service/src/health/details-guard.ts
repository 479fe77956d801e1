import type { MiddlewareHandler } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import type { HealthAccess } from '../context/context.ts'
import { unknownAddress } from '../problem/problem.ts'

/**
 * Guards the routes that show more than whether the service works: `/health/detailed`, `/health/monitor`, `/metrics`, `/openapi.json`
 * and `/docs`.
 *
 * Hono's bearerAuth compares digests in constant time.
 */
export function guardDetails(access: HealthAccess = { details: 'never' }): MiddlewareHandler {
  if (access.details === 'always') return (_c, next) => next()
  if (access.details === 'token') {
    if (!access.token) throw new TypeError('health.details is "token": set health.token too.')
    return bearerAuth({ token: access.token, realm: 'health' })
  }
  return () => {
    throw unknownAddress()
  }
}

/** For responses that must not be cached. */
export async function noStore(...[c, next]: Parameters<MiddlewareHandler>): Promise<void> {
  await next()
  c.header('Cache-Control', 'no-store')
}
