import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as schema from '@schema/auth'
import { openService, type TestService } from '@shared/service/testing'
import { createApp } from '../src/app.ts'

let service: TestService<typeof schema>
beforeAll(async () => {
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/auth').replace('schema.ts', 'migrations'),
  )
  service = await openService({ service: 'auth', schema, migrationsFolder, createApp })
}, 60_000)
afterAll(() => service[Symbol.asyncDispose]())

const unknown = '018f4b7e-0000-7000-8000-000000000000'
const password = 'correct horse battery'
let count = 0

async function register(email = `person-${++count}@example.org`) {
  const { body } = await service.send('POST', '/users', { email, password })
  return { id: String(body.id), email }
}

async function signIn(email: string) {
  const { body } = await service.send('POST', '/sessions', { email, password })
  return { Authorization: `Bearer ${body.token}` }
}

describe('POST /users', () => {
  test('registers a user and says where it is, without its password', async () => {
    const answer = await service.send('POST', '/users', { email: 'Ada@Example.org', password })
    expect(answer).toMatchObject({ status: 201, body: { email: 'Ada@Example.org' } })
    expect(Object.keys(answer.body).sort()).toEqual(['createdAt', 'email', 'id'])
    expect(answer.headers.get('Location')).toBe(`/users/${answer.body.id}`)
  })

  test('stores an argon2id hash, never the password', async () => {
    const { id } = await register()
    const user = await service.database.db.query.users.findFirst({
      where: (users, { eq }) => eq(users.id, id),
    })
    expect(user?.passwordHash).toStartWith('$argon2id$')
    expect(user?.passwordHash).not.toContain(password)
  })

  test('refuses an address that is taken, in any spelling', async () => {
    const { email } = await register()
    const answer = await service.send('POST', '/users', { email: email.toUpperCase(), password })
    expect(answer).toMatchObject({ status: 409, body: { code: 'email-taken' } })
  })

  test('lets one of many at the same moment have the address', async () => {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () =>
        service.send('POST', '/users', { email: 'race@example.org', password }),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409])
  })

  test.each([
    ['no address', { password }],
    ['a malformed address', { email: 'nobody', password }],
    ['a short password', { email: 'a@example.org', password: 'short' }],
    ['a NUL in the password', { email: 'a@example.org', password: 'long enough\u0000' }],
    ['an unknown field', { email: 'a@example.org', password, role: 'admin' }],
  ])('refuses %s', async (_name, body) => {
    expect(await service.send('POST', '/users', body)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request' },
    })
  })
})

test('a registration that is repeated with its key is one, and the key tells nothing of the password', async () => {
  const key = { 'Idempotency-Key': crypto.randomUUID() }
  const user = { email: `${crypto.randomUUID()}@example.org`, password }
  const answers = [
    await service.send('POST', '/users', user, key),
    await service.send('POST', '/users', user, key),
  ]
  const other = await service.send('POST', '/users', { ...user, password: 'another password' }, key)
  expect({
    statuses: answers.map(({ status }) => status),
    ids: new Set(answers.map(({ body }) => body.id)).size,
  }).toEqual({
    statuses: [201, 201],
    ids: 1,
  })
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } })
  const stored = JSON.stringify(await service.database.db.select().from(schema.idempotencyKeys))
  expect([stored.includes(password), stored.includes(key['Idempotency-Key'])]).toEqual([false, false])
})

describe('GET /users/:id', () => {
  test('answers a user without its password', async () => {
    const { id, email } = await register()
    const { status, body } = await service.send('GET', `/users/${id}`)
    expect({ status, body }).toEqual({ status: 200, body: { id, email, createdAt: expect.any(String) } })
  })

  test('is 404 for an unknown id and 400 for what is no id', async () => {
    expect(await service.send('GET', `/users/${unknown}`)).toMatchObject({
      status: 404,
      body: { code: 'user-not-found' },
    })
    expect(await service.send('GET', '/users/1')).toMatchObject({
      status: 400,
      body: { code: 'invalid-request' },
    })
  })
})

describe('POST /sessions', () => {
  test('answers a token once and stores its hash only', async () => {
    const { id, email } = await register()
    const answer = await service.send('POST', '/sessions', { email: email.toUpperCase(), password })
    expect(answer).toMatchObject({
      status: 201,
      body: { userId: id, token: expect.stringMatching(/^[\w-]{43}$/), expiresAt: expect.any(String) },
    })
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
    const [stored] = await service.database.db.query.sessions.findMany({
      where: (row, { eq }) => eq(row.userId, id),
    })
    expect(JSON.stringify(stored)).not.toContain(String(answer.body.token))
  })

  test('answers a wrong password and an unknown address alike', async () => {
    const { email } = await register()
    const wrong = await service.send('POST', '/sessions', { email, password: 'something else' })
    const nobody = await service.send('POST', '/sessions', { email: 'nobody@example.org', password })
    const { requestId: _one, ...wrongBody } = wrong.body
    const { requestId: _other, ...nobodyBody } = nobody.body
    expect(wrong).toMatchObject({ status: 401, body: { code: 'wrong-credentials' } })
    expect({ status: nobody.status, body: nobodyBody }).toEqual({ status: wrong.status, body: wrongBody })
  })

  test('removes the expired sessions of a user who signs in', async () => {
    const { id, email } = await register()
    const past = { createdAt: new Date('2020-01-01'), expiresAt: new Date('2020-01-02') }
    await service.database.db
      .insert(schema.sessions)
      .values({ userId: id, tokenHash: '0'.repeat(64), ...past })
    await signIn(email)
    const left = await service.database.db.query.sessions.findMany({
      where: (row, { eq }) => eq(row.userId, id),
    })
    expect(left.map(({ tokenHash }) => tokenHash)).not.toContain('0'.repeat(64))
    expect(left).toHaveLength(1)
  })

  test('refuses a body without a password', async () => {
    expect(await service.send('POST', '/sessions', { email: 'a@example.org' })).toMatchObject({ status: 400 })
  })
})

describe('/sessions/current', () => {
  test('says whose session it is', async () => {
    const { id, email } = await register()
    const { status, body } = await service.send('GET', '/sessions/current', undefined, await signIn(email))
    expect({ status, body }).toMatchObject({ status: 200, body: { userId: id } })
    expect(Object.keys(body).sort()).toEqual(['createdAt', 'expiresAt', 'id', 'userId'])
  })

  test('ends with DELETE, and only that one session', async () => {
    const { email } = await register()
    const [phone, laptop] = [await signIn(email), await signIn(email)]
    const gone = await service.send('DELETE', '/sessions/current', undefined, phone)
    const phoneAfter = await service.send('GET', '/sessions/current', undefined, phone)
    const laptopAfter = await service.send('GET', '/sessions/current', undefined, laptop)
    expect([gone.status, phoneAfter.status, laptopAfter.status]).toEqual([204, 401, 200])
  })

  test('is 401 without a token, with a wrong one and with an expired one', async () => {
    const { id, email } = await register()
    const headers = await signIn(email)
    await service.database.db.update(schema.sessions).set({
      createdAt: new Date('2020-01-01'),
      expiresAt: new Date('2020-01-02'),
    })
    const answers = await Promise.all(
      [{}, { Authorization: 'Bearer wrong' }, { Authorization: 'Nonsense' }, headers].map((given) =>
        service.send('GET', '/sessions/current', undefined, given as Record<string, string>),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401])
    expect(answers.every(({ headers }) => headers.has('WWW-Authenticate'))).toBe(true)
    expect(id).toBeString()
  })
})
