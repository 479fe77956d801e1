import { sessions, users } from '@schema/auth'
import { Problem, validate } from '@shared/service'
import { and, eq, gt, lt, sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import { z } from 'zod'
import type { AuthDb } from '../app.ts'
import { createPasswordCheck } from '../passwords.ts'
import { createToken, hashToken } from '../session-tokens.ts'

const lifetimeMs = 7 * 24 * 60 * 60 * 1000

const credentials = z.strictObject({ email: z.email().max(254), password: z.string().min(1).max(128) })

interface Session {
  id: string
  userId: string
  createdAt: Date
  expiresAt: Date
}

/** `POST /` signs in, `GET /current` says who a token belongs to, `DELETE /current` signs out. */
export function sessionRoutes(db: AuthDb) {
  const isPassword = createPasswordCheck()

  const signedIn = bearerAuth<{ Variables: { session: Session } }>({
    async verifyToken(token, c) {
      const session = await db.query.sessions.findFirst({
        columns: { tokenHash: false },
        where: and(eq(sessions.tokenHash, hashToken(token)), gt(sessions.expiresAt, sql`now()`)),
      })
      if (session !== undefined) c.set('session', session)
      return session !== undefined
    },
  })

  return new Hono<{ Variables: { session: Session } }>()
    .post('/', validate('json', credentials), async (c) => {
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
      await db.transaction(async (tx) => {
        await tx.delete(sessions).where(and(eq(sessions.userId, user.id), lt(sessions.expiresAt, sql`now()`)))
        await tx.insert(sessions).values(session)
      })
      c.header('Cache-Control', 'no-store')
      return c.json({ token, userId: user.id, expiresAt: session.expiresAt }, 201, {
        Location: '/sessions/current',
      })
    })
    .get('/current', signedIn, (c) => {
      c.header('Cache-Control', 'no-store')
      return c.json(c.get('session'))
    })
    .delete('/current', signedIn, async (c) => {
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
