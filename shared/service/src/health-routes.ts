import type { MiddlewareHandler } from 'hono'
import { Hono } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import type { HealthAccess, ServiceContext } from './context.ts'
import { readDetailedHealth, readHealth } from './health-report.ts'
import { Problem } from './problem.ts'

/** Where orchestrators look; not written to the request log. */
export const healthPaths: ReadonlySet<string> = new Set(['/livez', '/readyz', '/health', '/health/detailed'])

/** The health routes: GET and HEAD, never cached. */
export function healthRoutes(service: string, context: ServiceContext): Hono {
  const routes = new Hono()

  routes.get('/livez', noStore, (c) => c.json({ status: 'alive', service }))

  routes.get('/readyz', noStore, async (c) => {
    const readiness = await readReadiness(context)
    return c.json({ status: readiness, service }, readiness === 'ready' ? 200 : 503)
  })

  routes.get('/health', noStore, async (c) => {
    const report = await readHealth(service, context)
    return c.json(report, report.status === 'unhealthy' ? 503 : 200)
  })

  routes.get('/health/detailed', noStore, guardDetails(context.health), async (c) => {
    const report = await readDetailedHealth(service, context)
    return c.json(report, report.status === 'unhealthy' ? 503 : 200)
  })

  return routes
}

/** Draining is known without asking; everything else ends at the probe, which is cached. */
async function readReadiness({ lifecycle, database }: ServiceContext) {
  const state = lifecycle?.state ?? 'ready'
  if (state !== 'ready') return state
  const probe = await database.health.check()
  // The state may have moved while the probe was under way.
  if (lifecycle?.state === 'draining') return 'draining'
  return probe.status === 'connected' ? 'ready' : 'database-unreachable'
}

async function noStore(...[c, next]: Parameters<MiddlewareHandler>): Promise<void> {
  await next()
  c.header('Cache-Control', 'no-store')
}

/** Hono's bearerAuth compares digests in constant time. */
function guardDetails(access: HealthAccess = { details: 'never' }): MiddlewareHandler {
  if (access.details === 'always') return (_c, next) => next()
  if (access.details === 'token') {
    if (!access.token) throw new TypeError('health.details is "token": give health.token too.')
    return bearerAuth({ token: access.token, realm: 'health' })
  }
  return () => {
    throw new Problem({ status: 404, code: 'not-found', detail: 'There is nothing at this address.' })
  }
}
