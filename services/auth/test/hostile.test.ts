import { afterAll, beforeAll } from 'bun:test'
import * as schema from '@schema/auth'
import { openService, type TestService } from '@shared/service/testing'
import { type HostileRoute, testHostileInput } from '@shared/service/testing/hostile'
import { createApp } from '../src/app.ts'
import { hashPassword } from '../src/passwords.ts'
import { createToken, hashToken } from '../src/session-tokens.ts'

const id = crypto.randomUUID()
const token = createToken()
const headers = { Authorization: `Bearer ${token}` }
const ada = { email: 'ada@example.org', password: 'correct horse battery' }
const emails = [
  '"a@b"',
  '"a b@example.org"',
  '"@example.org"',
  '"a@example.org\\n"',
  '"a\\u0000@example.org"',
  '"a@example.org\\u0000"',
  '"\\ud800@example.org"',
  '["ada@example.org"]',
  JSON.stringify(`${'a'.repeat(254)}@example.org`),
]
const routes: HostileRoute[] = [
  {
    method: 'POST',
    path: '/users',
    body: { ...ada, email: 'new@example.org' },
    anyText: ['password'],
    wrong: { email: emails, password: ['"short"', JSON.stringify('x'.repeat(129))] },
  },
  { method: 'GET', path: '/users/:id', params: { id } },
  {
    method: 'POST',
    path: '/sessions',
    body: ada,
    anyText: ['password'],
    wrong: { email: emails, password: ['""', JSON.stringify('x'.repeat(129))] },
  },
  { method: 'GET', path: '/sessions/current', headers },
  { method: 'DELETE', path: '/sessions/current', headers },
]

let service: TestService<typeof schema>
beforeAll(async () => {
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/auth').replace('schema.ts', 'migrations'),
  )
  service = await openService({ service: 'auth', schema, migrationsFolder, createApp })
  const { db } = service.database
  const passwordHash = await hashPassword(ada.password)
  await db.insert(schema.users).values({ id, email: ada.email, passwordHash })
  const expiresAt = new Date(Date.now() + 3_600_000)
  await db.insert(schema.sessions).values({ userId: id, tokenHash: hashToken(token), expiresAt })
}, 60_000)
afterAll(() => service[Symbol.asyncDispose]())

testHostileInput({ service: () => service, entry: `${import.meta.dir}/../src/index.ts`, routes })
