import type { OpenAPIHono } from '@hono/zod-openapi'
import { type ZodType, z } from 'zod'
import type { HealthAccess, ServiceApp } from '../context/context.ts'
import { monitorQuery } from '../health/monitor-route.ts'
import {
  detailed,
  detailedUnreachable,
  healthy,
  metricsText,
  monitor,
  unreachable,
} from './health-examples.ts'
import {
  detailedHealthSchema,
  healthSchema,
  livenessSchema,
  monitorSchema,
  readinessSchema,
} from './health-schema.ts'
import { problems } from './problem-document.ts'

type Route = Parameters<OpenAPIHono['openAPIRegistry']['registerPath']>[0]

/** The tag of the routes for those who operate the service. */
export const operationsTag = 'operations'

/** Adds to an app's document the routes that every service has and that are not made from a description. */
export function describeOperations(app: ServiceApp, access: HealthAccess | undefined): void {
  const token = { type: 'http', scheme: 'bearer', description: 'HEALTH_TOKEN of the service.' } as const
  const guarded = access?.details === 'token'
  if (guarded) app.openAPIRegistry.registerComponent('securitySchemes', 'healthToken', token)
  const security = guarded ? [{ healthToken: [] }] : []
  const refused = access?.details === 'always' ? {} : problems({ 401: ['unauthorized'], 404: ['not-found'] })
  const routes: Route[] = [
    {
      ...get('/livez', 'Whether the process is alive', 'Never uses the database.'),
      responses: { 200: json('Alive.', livenessSchema, { status: 'alive', service: 'auth' }) },
    },
    {
      ...get('/readyz', 'Whether to send requests here', 'Uses a probe that is cached for a second.'),
      responses: {
        200: json('Ready.', readinessSchema, { status: 'ready', service: 'auth' }),
        503: json('Not ready.', readinessSchema, { status: 'database-unreachable', service: 'auth' }),
      },
    },
    {
      ...get('/health', 'Health of the service', 'Uses a probe that is cached for a second.'),
      responses: {
        200: json('Healthy, or degraded: every connection is in use.', healthSchema, healthy),
        503: json(
          'Unhealthy: the database cannot be reached, or migrations are pending.',
          healthSchema,
          unreachable,
        ),
      },
    },
    {
      ...get(
        '/health/detailed',
        'Health of the service, in detail',
        'HEALTH_DETAILS decides who may read it.',
      ),
      security,
      responses: {
        200: json('Healthy or degraded.', detailedHealthSchema, detailed),
        503: json('Unhealthy.', detailedHealthSchema, detailedUnreachable),
        ...refused,
      },
    },
    {
      ...get(
        '/health/monitor',
        'The last ten minutes, a sample a second, with advice',
        'HEALTH_DETAILS decides who may read it.',
      ),
      security,
      request: { query: monitorQuery },
      responses: { 200: json('What is newer than `since`.', monitorSchema, monitor), ...refused },
    },
    {
      ...get('/metrics', "Metrics in Prometheus' text format", 'HEALTH_DETAILS decides who may read them.'),
      security,
      responses: {
        200: {
          description: 'Pool, requests and process.',
          content: { 'text/plain': { schema: z.string(), example: metricsText } },
        },
        ...refused,
      },
    },
  ]
  for (const route of routes) app.openAPIRegistry.registerPath(route)
}

function get(path: string, summary: string, description: string): Omit<Route, 'responses'> {
  return { method: 'get', path, tags: [operationsTag], summary, description }
}

function json(description: string, schema: ZodType, example: unknown) {
  return { description, content: { 'application/json': { schema, example } } }
}
