import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Env, MiddlewareHandler } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import type { RequestIdVariables } from 'hono/request-id'
import type { SessionClient } from './session-client.ts'

/** What a route behind `requireSession` knows: whose request it is; undefined where sessions are not asked for. */
export interface SessionVariables {
  userId: string | undefined
}

/** The 503 of routes that ask for a session, for `problems()`. */
export const sessionUnavailable = 'sessions-unavailable'

/**
 * What makes a route ask for a session: spread it into the route, `.openapi({ ...addThing, ...guard }, …)`. Without a token, or with one
 * of nobody, it is 401; with auth unavailable 503.
 *
 * @param sessions null: the route asks for nothing, as in development.
 */
export function requireSession(sessions: SessionClient | null) {
  const middleware: MiddlewareHandler<{ Variables: SessionVariables & RequestIdVariables }> =
    sessions === null
      ? (_c, next) => next()
      : bearerAuth<{ Variables: SessionVariables & RequestIdVariables }>({
          async verifyToken(token, c) {
            const session = await sessions.find(token, c.get('requestId'))
            if (session !== null) c.set('userId', session.userId)
            return session !== null
          },
        })
  return { middleware: [middleware], security: sessions === null ? [] : [{ session: [] }] }
}

/** Describes in the document the token that routes ask for. */
export function describeSession<E extends Env>(routes: OpenAPIHono<E>, sessions: SessionClient | null): void {
  if (sessions === null) return
  routes.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'http',
    scheme: 'bearer',
    description: 'The `token` that `POST /sessions` of auth answers with.',
  })
}
