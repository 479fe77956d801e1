import { createRoute, z } from '@hono/zod-openapi'
import type { ServiceApp } from '../context/context.ts'
import { operationsTag } from './operations.ts'

const links = {
  self: '/',
  live: '/livez',
  ready: '/readyz',
  health: '/health',
  openapi: '/openapi.json',
  docs: '/docs',
}

const path = z.string()
const indexSchema = z.object({
  service: z.string(),
  version: z.string(),
  links: z.object({ self: path, live: path, ready: path, health: path, openapi: path, docs: path }),
  routes: z.array(z.object({ method: z.string(), path })),
})

/** The body of `GET /`. */
export type ServiceIndex = z.infer<typeof indexSchema>

/** `GET /`: name, version, links and routes of the service. */
export const indexRoute = createRoute({
  method: 'get',
  path: '/',
  tags: [operationsTag],
  summary: 'Name, version and routes of the service',
  responses: {
    200: {
      description: 'Name, version, links and routes.',
      content: {
        'application/json': {
          schema: indexSchema,
          example: {
            service: 'auth',
            version: '1.0.0',
            links,
            routes: [{ method: 'GET', path: '/users/:id' }],
          },
        },
      },
    },
  },
})

/** Lists the routes of an app, each method and path once, middleware left out. */
export function serviceIndex(app: ServiceApp, service: string, version: string): ServiceIndex {
  const routes = new Map(
    app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => [`${method} ${path}`, { method, path }]),
  )
  return { service, version, links, routes: [...routes.values()] }
}
