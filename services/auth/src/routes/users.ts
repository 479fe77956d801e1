import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { idempotencyKeys, users } from '@schema/auth'
import {
  conflict,
  createIdempotency,
  idempotencyHeaders,
  keyReused,
  notFound,
  problems,
} from '@shared/service'
import { eq } from 'drizzle-orm'
import type { AuthDatabase } from '../database.ts'
import { hashPassword } from '../passwords.ts'

/** The user that the API's document shows. */
export const exampleUser = {
  id: '018f4b7e-2c52-7c7e-9d0c-5d1c6f0a9b3e',
  email: 'ada@example.org',
  createdAt: '2026-01-31T12:00:00.000Z',
}

const email = z.email().max(254)
const newUser = z.strictObject({ email, password: z.string().min(8).max(128) })
const user = z.object({ id: z.uuid(), email, createdAt: z.iso.datetime() }).meta({ id: 'User' })
const tags = ['users']

const register = createRoute({
  method: 'post',
  path: '/',
  tags,
  summary: 'Register',
  request: {
    headers: idempotencyHeaders,
    body: {
      required: true,
      content: {
        'application/json': {
          schema: newUser,
          example: { email: 'grace@example.org', password: 'correct horse battery' },
        },
      },
    },
  },
  responses: {
    201: {
      description: 'Registered.',
      headers: { Location: { required: true, schema: { type: 'string' }, description: 'Where it is.' } },
      content: { 'application/json': { schema: user, example: exampleUser } },
    },
    ...problems({
      409: ['email-taken'],
      422: [keyReused],
      503: ['password-check-busy', 'database-unavailable', 'database-busy', 'request-timeout'],
    }),
  },
})

const readUser = createRoute({
  method: 'get',
  path: '/{id}',
  tags,
  summary: 'Read a user',
  request: { params: z.strictObject({ id: z.uuid().meta({ example: exampleUser.id }) }) },
  responses: {
    200: {
      description: 'The user, without anything of the password.',
      content: { 'application/json': { schema: user, example: exampleUser } },
    },
    ...problems({ 404: ['user-not-found'] }),
  },
})

const publicUser = { id: users.id, email: users.email, createdAt: users.createdAt }

/** Registers and reads users; a password hash never leaves. */
export function userRoutes({ reads, transaction }: Pick<AuthDatabase, 'reads' | 'transaction'>) {
  const once = createIdempotency({ transaction, keys: idempotencyKeys })

  return new OpenAPIHono()
    .openapi(register, async (c) => {
      const { email, password } = c.req.valid('json')
      const passwordHash = await hashPassword(password)
      const added = await once(c, async (tx) => {
        const [user] = await tx
          .insert(users)
          .values({ email, passwordHash })
          .onConflictDoNothing()
          .returning(publicUser)
        if (user === undefined) throw conflict('email-taken', 'This email address is registered already.')
        return user
      })
      return c.json(added, 201, { Location: `/users/${added.id}` })
    })
    .openapi(readUser, async (c) => {
      const { id } = c.req.valid('param')
      const [found] = await reads.select(publicUser).from(users).where(eq(users.id, id))
      if (found === undefined) throw notFound('user')
      return c.json(found, 200)
    })
}
