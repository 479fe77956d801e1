import { users } from '@schema/auth'
import { conflict, notFound, validate } from '@shared/service'
import { eq } from 'drizzle-orm'
import { Hono } from 'hono'
import { z } from 'zod'
import type { AuthDb } from '../app.ts'
import { hashPassword } from '../passwords.ts'

const newUser = z.strictObject({ email: z.email().max(254), password: z.string().min(8).max(128) })
const byId = z.strictObject({ id: z.uuid() })

const publicUser = { id: users.id, email: users.email, createdAt: users.createdAt }

/** `POST /` registers, `GET /:id` reads; a password hash never leaves. */
export function userRoutes(db: AuthDb) {
  return new Hono()
    .post('/', validate('json', newUser), async (c) => {
      const { email, password } = c.req.valid('json')
      const passwordHash = await hashPassword(password)
      const [user] = await db
        .insert(users)
        .values({ email, passwordHash })
        .onConflictDoNothing()
        .returning(publicUser)
      if (user === undefined) throw conflict('email-taken', 'This email address is registered already.')
      return c.json(user, 201, { Location: `/users/${user.id}` })
    })
    .get('/:id', validate('param', byId), async (c) => {
      const { id } = c.req.valid('param')
      const [user] = await db.select(publicUser).from(users).where(eq(users.id, id))
      if (user === undefined) throw notFound('user')
      return c.json(user)
    })
}
