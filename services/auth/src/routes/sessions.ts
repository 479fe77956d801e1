import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { sessions, users } from '@schema/auth'
import { Problem, problems } from '@shared/service'
import { and, eq, gt, lt, sql } from 'drizzle-orm'
import type { MiddlewareHandler } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import type { AuthDatabase } from '../database.ts'
import { createPasswordCheck } from '../passwords.ts'
import { createToken, hashToken } from '../session-tokens.ts'
import { exampleUser } from './users.ts'

const lifetimeMs = 7 * 24 * 60 * 60 * 1000

/** What the API's document signs in with. */
export const exampleCredentials = { email: exampleUser.email, password: 'correct horse battery' }

const credentials = z.strictObject({ email: z.email().max(254), password: z.string().min(1).max(128) })
const moment = z.iso.datetime()
const signedIn = z
  .object({
    token: z.string().meta({ description: 'Send it as `Authorization: Bearer …`; it is not kept here.' }),
  })
  .extend({ userId: z.uuid(), expiresAt: moment })
const session = z
  .object({ id: z.uuid(), userId: z.uuid(), createdAt: moment, expiresAt: moment })
  .meta({ id: 'Session' })

const exampleSession = {
  id: '018f4b7e-2c52-7c7e-9d0c-7e2d7a1b0c4f',
  userId: exampleUser.id,
  createdAt: '2026-01-31T12:00:00.000Z',
  expiresAt: '2026-02-07T12:00:00.000Z',
}

const tags = ['sessions']
const security = [{ session: [] }]

const signIn = createRoute({
  method: 'post',
  path: '/',
  tags,
  summary: 'Sign in',
  request: {
    body: {
      required: true,
      content: { 'application/json': { schema: credentials, example: exampleCredentials } },
    },
  },
  responses: {
    201: {
      description: 'Signed in for seven days.',
      headers: { Location: { required: true, schema: { type: 'string' }, description: 'Where it is.' } },
      content: {
        'application/json': {
          schema: signedIn,
          example: {
            token: 'b3BhcXVlLCBrbm93biB0byB5b3Ugb25seQ',
            userId: exampleUser.id,
            expiresAt: exampleSession.expiresAt,
          },
        },
      },
    },
    ...problems({
      401: ['wrong-credentials'],
      429: ['too-many-attempts'],
      503: ['password-check-busy', 'database-unavailable', 'database-busy', 'request-timeout'],
    }),
  },
})

const readSession = createRoute({
  method: 'get',
  path: '/current',
  tags,
  security,
  summary: 'Whom the token belongs to',
  responses: {
    200: {
      description: 'The session.',
      content: { 'application/json': { schema: session, example: exampleSession } },
    },
    ...problems({ 401: ['unauthorized'] }),
  },
})

const signOut = createRoute({
  method: 'delete',
  path: '/current',
  tags,
  security,
  summary: 'Sign out',
  responses: { 204: { description: 'Signed out.' }, ...problems({ 401: ['unauthorized'] }) },
})

interface Session {
  id: string
  userId: string
  createdAt: Date
  expiresAt: Date
}

/**
 * Signs in within the limits, says whom a token belongs to, and signs out. Nothing of it is read from a standby: there a session that was ended would go
 * on, and a password that was changed would still open one, for as long as it is behind.
 */
export function sessionRoutes(
  { db, transaction }: Pick<AuthDatabase, 'db' | 'transaction'>,
  limits: readonly MiddlewareHandler[],
) {
  const isPassword = createPasswordCheck()

  const sessionByToken = db.query.sessions
    .findFirst({
      columns: { tokenHash: false },
      where: and(eq(sessions.tokenHash, sql.placeholder('tokenHash')), gt(sessions.expiresAt, sql`now()`)),
    })
    .prepare('session_by_token')

  const byToken = bearerAuth<{ Variables: { session: Session } }>({
    async verifyToken(token, c) {
      const session = await sessionByToken.execute({ tokenHash: hashToken(token) })
      if (session !== undefined) c.set('session', session)
      return session !== undefined
    },
  })

  const routes = new OpenAPIHono()
  routes.openAPIRegistry.registerComponent('securitySchemes', 'session', { type: 'http', scheme: 'bearer' })
  return routes
    .openapi({ ...signIn, middleware: [...limits] }, async (c) => {
      const { email, password } = c.req.valid('json')
      const user = await db.query.users.findFirst({
        where: eq(sql`lower(${users.email})`, sql`lower(${email})`),
      })
      // The same answer, after the same time, for an unknown address and a wrong password.
      if (!(await isPassword(password, user?.passwordHash)) || user === undefined) throw wrongCredentials()

      const token = createToken()
      const session = {
        userId: user.id,
        tokenHash: hashToken(token),
        expiresAt: new Date(Date.now() + lifetimeMs),
      }
      await transaction(async (tx) => {
        await tx.delete(sessions).where(and(eq(sessions.userId, user.id), lt(sessions.expiresAt, sql`now()`)))
        await tx.insert(sessions).values(session)
      })
      c.header('Cache-Control', 'no-store')
      return c.json({ token, userId: user.id, expiresAt: session.expiresAt }, 201, {
        Location: '/sessions/current',
      })
    })
    .openapi({ ...readSession, middleware: [byToken] as const }, (c) => {
      c.header('Cache-Control', 'no-store')
      return c.json(c.get('session'), 200)
    })
    .openapi({ ...signOut, middleware: [byToken] as const }, async (c) => {
      await db.delete(sessions).where(eq(sessions.id, c.get('session').id))
      return c.body(null, 204)
    })
}

function wrongCredentials(): Problem {
  return new Problem({
    status: 401,
    code: 'wrong-credentials',
    detail: 'The email address or the password is wrong.',
    headers: { 'WWW-Authenticate': 'Bearer realm="sessions"' },
  })
}
