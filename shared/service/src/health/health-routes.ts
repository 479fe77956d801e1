import { Hono } from 'hono'
import type { MonitoredContext } from '../context/context.ts'
import { guardDetails, noStore } from './details-guard.ts'
import { readDetailedHealth, readHealth, readReadiness } from './health-report.ts'
import { monitorRoute } from './monitor-route.ts'

/** Routes that orchestrators, scrapers and consoles poll: quiet in the request log, not in the HTTP metrics, without a deadline. */
export const healthPaths: ReadonlySet<string> = new Set([
  '/livez',
  '/readyz',
  '/health',
  '/health/detailed',
  '/health/monitor',
  '/metrics',
])

/** The health routes: GET and HEAD, never cached. */
export function healthRoutes(service: string, context: MonitoredContext): Hono {
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

  routes.route('/', monitorRoute(service, context))
  return routes
}
