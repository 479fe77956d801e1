import { prometheus } from '@hono/prometheus'
import type { Context, MiddlewareHandler } from 'hono'
import { Hono } from 'hono'
import { Registry } from 'prom-client'
import type { MonitoredContext } from '../context/context.ts'
import { guardDetails, noStore } from '../health/details-guard.ts'
import { healthPaths } from '../health/health-routes.ts'
import { registerDatabaseMetrics } from './database-metrics.ts'
import { registerPoolMetrics } from './pool-metrics.ts'
import { registerProcessMetrics } from './process-metrics.ts'
import { registerStatementMetrics } from './statement-metrics.ts'

/** A service's metrics, in a registry of its own. */
export interface Metrics {
  /** Counts and times requests by method, route pattern and status; those to health routes and `/metrics` are left out. */
  observe: MiddlewareHandler
  /** `GET /metrics` in Prometheus' text format, guarded like `/health/detailed`. Runs no query. */
  routes: Hono
}

const knownMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
])

/** Creates the metrics; with `health.details` `never`, nothing is measured. */
export function createMetrics(service: string, context: MonitoredContext): Metrics {
  const guard = guardDetails(context.health)
  const routes = new Hono()
  if ((context.health?.details ?? 'never') === 'never') {
    routes.get('/metrics', guard)
    return { observe: (_c, next) => next(), routes }
  }
  const registry = new Registry()
  const customLabels = { method: boundedMethod }
  const { registerMetrics } = prometheus({
    registry,
    metricOptions: { requestDuration: { customLabels }, requestsTotal: { customLabels } },
  })
  const { database, monitor, eventLoop } = context
  registerStatementMetrics(registry, service, context)
  const refreshments = [
    registerPoolMetrics(registry, service, database),
    registerDatabaseMetrics(registry, service, database, monitor),
    registerProcessMetrics(registry, eventLoop),
  ]

  routes.get('/metrics', noStore, guard, async (c) => {
    for (const refresh of refreshments) refresh()
    return c.body(await registry.metrics(), 200, { 'Content-Type': registry.contentType })
  })
  return {
    observe: (c, next) => (healthPaths.has(c.req.path) ? next() : registerMetrics(c, next)),
    routes,
  }
}

/** Clients may send any text as a method; each would be a series of its own. */
function boundedMethod(c: Context): string {
  return knownMethods.has(c.req.method) ? c.req.method : 'other'
}
