import { createRoute, z } from '@hono/zod-openapi'
import { operationsTag } from './operations.ts'

const path = z.string()
const links = { self: path, live: path, ready: path, health: path, openapi: path, docs: path }

/** `GET /`: who this is and what can be asked here. */
export const indexRoute = createRoute({
  method: 'get',
  path: '/',
  tags: [operationsTag],
  summary: 'What can be asked here',
  responses: {
    200: {
      description: 'Name, version, links and routes.',
      content: {
        'application/json': {
          schema: z.object({
            service: z.string(),
            version: z.string(),
            links: z.object(links),
            routes: z.array(z.object({ method: z.string(), path })),
          }),
          example: {
            service: 'auth',
            version: '1.0.0',
            links: {
              self: '/',
              live: '/livez',
              ready: '/readyz',
              health: '/health',
              openapi: '/openapi.json',
              docs: '/docs',
            },
            routes: [{ method: 'GET', path: '/users/:id' }],
          },
        },
      },
    },
  },
})
