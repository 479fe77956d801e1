import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ZodType } from 'zod'
import type { ServiceApp } from '../app.ts'
import type { HealthAccess } from '../context.ts'
import { detailedHealthSchema, healthSchema, livenessSchema, readinessSchema } from './health-schema.ts'
import { problems } from './problem-document.ts'

type Route = Parameters<OpenAPIHono['openAPIRegistry']['registerPath']>[0]

/** The tag of what machines that run the service ask. */
export const operationsTag = 'operations'

const checkedAt = '2026-01-31T12:00:00.000Z'
const healthy = {
  status: 'healthy',
  service: 'auth',
  state: 'ready',
  reasons: [],
  database: { name: 'auth', status: 'connected', latencyMs: 0.55, code: null, checkedAt },
}
const unreachable = {
  ...healthy,
  status: 'unhealthy',
  reasons: ['database-unreachable'],
  database: { ...healthy.database, status: 'disconnected', latencyMs: null, code: 'ECONNREFUSED' },
}
const pool = {
  name: 'auth',
  poolSize: 10,
  maxOverflow: 20,
  total: 3,
  idle: 2,
  checkedOut: 1,
  overflow: 0,
  connecting: 0,
  waiting: 0,
  oldestLeaseMs: 1.2,
  longestWaitMs: null,
  counters: { checkouts: 4711, timeouts: 0, closes: { idle: 2 } },
}
const detailed = {
  ...healthy,
  pool,
  server: { version: '18.4', uptimeMs: 86_400_000, inRecovery: false, longestTransactionMs: null },
  limits: {
    maxConnections: 100,
    usedConnections: 12,
    roleConnections: 4,
    roleConnectionLimit: 62,
    wantedConnections: 31,
    fits: true,
  },
  isolation: { role: 'auth_app', confined: true, findings: [] },
  process: { uptimeMs: 3_600_000, runtime: 'bun 1.4.5' },
  events: [{ type: 'connect-failed', code: 'ECONNREFUSED', at: checkedAt }],
}

/** Adds to an app's document the routes that every service has and that are not made from a description. */
export function describeOperations(app: ServiceApp, access: HealthAccess | undefined): void {
  const token = { type: 'http', scheme: 'bearer', description: 'HEALTH_TOKEN of the service.' } as const
  const guarded = access?.details === 'token'
  if (guarded) app.openAPIRegistry.registerComponent('securitySchemes', 'healthToken', token)
  const security = guarded ? [{ healthToken: [] }] : []
  const refused = access?.details === 'always' ? {} : problems({ 401: ['unauthorized'], 404: ['not-found'] })
  const routes: Route[] = [
    {
      ...get('/livez', 'Whether the process turns', 'Never asks the database.'),
      responses: { 200: json('It turns.', livenessSchema, { status: 'alive', service: 'auth' }) },
    },
    {
      ...get('/readyz', 'Whether to send requests here', 'Asks a probe that is cached for a second.'),
      responses: {
        200: json('Ready.', readinessSchema, { status: 'ready', service: 'auth' }),
        503: json('Not now.', readinessSchema, { status: 'database-unreachable', service: 'auth' }),
      },
    },
    {
      ...get('/health', 'How the service is', 'Asks a probe that is cached for a second.'),
      responses: {
        200: json('Healthy, or degraded: every connection is in use.', healthSchema, healthy),
        503: json('Unhealthy: the database is away.', healthSchema, unreachable),
      },
    },
    {
      ...get('/health/detailed', 'How the service is, in numbers', 'HEALTH_DETAILS says who may read it.'),
      security,
      responses: {
        200: json('Healthy or degraded.', detailedHealthSchema, detailed),
        503: json('Unhealthy.', detailedHealthSchema, {
          ...detailed,
          ...unreachable,
          server: null,
          limits: null,
          isolation: null,
        }),
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
