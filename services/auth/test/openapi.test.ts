import { afterAll, beforeAll } from 'bun:test'
import * as schema from '@schema/auth'
import { openService, type TestService } from '@shared/service/testing'
import { testApiDocument } from '@shared/service/testing/openapi'
import { createApp } from '../src/app.ts'
import { hashPassword } from '../src/passwords.ts'
import { exampleCredentials } from '../src/routes/sessions.ts'
import { exampleUser } from '../src/routes/users.ts'
import { createToken, hashToken } from '../src/session-tokens.ts'

const token = createToken()

let service: TestService<typeof schema>
beforeAll(async () => {
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/auth').replace('schema.ts', 'migrations'),
  )
  service = await openService({ service: 'auth', schema, migrationsFolder, createApp })
  const { db } = service.database
  const { id, email } = exampleUser
  await db
    .insert(schema.users)
    .values({ id, email, passwordHash: await hashPassword(exampleCredentials.password) })
  const expiresAt = new Date(Date.now() + 3_600_000)
  await db.insert(schema.sessions).values({ userId: id, tokenHash: hashToken(token), expiresAt })
}, 60_000)
afterAll(() => service[Symbol.asyncDispose]())

testApiDocument({ service: () => service, tokens: { session: token } })
