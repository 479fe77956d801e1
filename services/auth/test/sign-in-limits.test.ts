import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import * as schema from '@schema/auth'
import { eventually } from '@shared/postgres/testing'
import { Problem } from '@shared/service'
import { openService, requestsTo, startService, type TestService } from '@shared/service/testing'
import { Hono } from 'hono'
import { createApp } from '../src/app.ts'
import { signInLimits } from '../src/sign-in-limits.ts'

const password = 'correct horse battery'
const attacker = '198.51.100.7'
const home = '203.0.113.9'

let service: TestService<typeof schema>
const servers: Bun.Server<undefined>[] = []
beforeAll(async () => {
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/auth').replace('schema.ts', 'migrations'),
  )
  service = await openService({ service: 'auth', schema, migrationsFolder, createApp })
}, 60_000)
afterEach(async () => void (await Promise.all(servers.splice(0).map((server) => server.stop(true)))))
afterAll(() => service[Symbol.asyncDispose]())

/** A fresh service behind a proxy, with limits that have counted nothing yet, and a user. */
async function setUp() {
  const send = requestsTo(createApp({ database: service.database, trustedProxies: 1 }))
  const email = `${crypto.randomUUID()}@example.org`
  await send('POST', '/users', { email, password })
  const signIn = (from: string, secret: string, account = email) =>
    send('POST', '/sessions', { email: account, password: secret }, { 'X-Forwarded-For': from })
  const statuses = async (count: number, from: string, secret: string, account?: string) => {
    const answers = await Promise.all(Array.from({ length: count }, () => signIn(from, secret, account)))
    return Map.groupBy(answers, ({ status }) => status)
  }
  return { email, signIn, statuses }
}

const counted = (answers: Map<number, unknown[]>) =>
  Object.fromEntries([...answers].map(([status, list]) => [status, list.length]))

describe('signing in', () => {
  test('is refused after ten wrong passwords for one account, also with the right one, and says until when', async () => {
    const { signIn, statuses } = await setUp()
    expect(counted(await statuses(10, attacker, 'wrong'))).toEqual({ 401: 10 })
    const refused = await signIn(attacker, password)
    expect(refused).toMatchObject({
      status: 429,
      body: { code: 'too-many-attempts', title: 'Too Many Requests' },
    })
    expect(refused.headers.get('Content-Type')).toBe('application/problem+json')
    const seconds = Number(refused.headers.get('Retry-After'))
    expect(seconds > 0 && seconds <= 900).toBe(true)
    expect(refused.headers.get('RateLimit')).toMatch(/^limit=10, remaining=0, reset=\d+$/)
  }, 60_000)

  test('of its owner from elsewhere is not kept out by strangers who guess, from however many addresses', async () => {
    const { signIn, statuses } = await setUp()
    for (let n = 1; n <= 3; n++) await statuses(11, `198.51.100.${n}`, 'wrong')
    expect((await signIn(home, password)).status).toBe(201)
  }, 60_000)

  test('counts guesses that are sent at the same time', async () => {
    const { statuses } = await setUp()
    expect(counted(await statuses(40, attacker, 'wrong'))).toEqual({ 401: 10, 429: 30 })
  }, 60_000)

  test('does not count those who know their password, nor what is no attempt', async () => {
    const { signIn, statuses } = await setUp()
    expect(counted(await statuses(5, home, password))).toEqual({ 201: 5 })
    for (let n = 0; n < 15; n++) expect((await signIn(home, '')).status).toBe(400)
    for (let n = 0; n < 12; n++) expect((await signIn(home, password)).status).toBe(201)
  }, 60_000)

  test('counts an account whatever the case of its address, and one that is not there alike', async () => {
    const { email, signIn, statuses } = await setUp()
    await statuses(5, attacker, 'wrong')
    await statuses(5, attacker, 'wrong', email.toUpperCase())
    expect((await signIn(attacker, 'wrong')).status).toBe(429)
    expect(counted(await statuses(12, attacker, 'wrong', 'nobody@example.org'))).toEqual({ 401: 10, 429: 2 })
  }, 60_000)

  test('is refused to an address that has tried too many accounts', async () => {
    // Passwords take too long to check for so many: what they are checked by is left out.
    const app = new Hono()
    for (const limit of signInLimits({ trustedProxies: 1 })) app.use(limit)
    app.post('/sessions', (c) => c.text('wrong', 401))
    app.onError((error, c) => c.text(error.message, error instanceof Problem ? error.status : 500))
    const signIn = async (from: string, n: number) => {
      const body = JSON.stringify({ email: `user-${n}@example.org` })
      const headers = { 'Content-Type': 'application/json', 'X-Forwarded-For': from }
      return await app.request('/sessions', { method: 'POST', headers, body })
    }
    const tried = await Promise.all(Array.from({ length: 301 }, (_, n) => signIn(attacker, n)))
    expect(counted(Map.groupBy(tried, ({ status }) => status))).toEqual({ 401: 300, 429: 1 })
    expect((await signIn(home, 0)).status).toBe(401)
  })
})

describe('the address of a client', () => {
  test('is what the proxy added, whatever the client had written before', async () => {
    const { signIn, statuses } = await setUp()
    for (let n = 0; n < 10; n++) await statuses(1, `10.0.0.${n}, ${attacker}`, 'wrong')
    expect((await signIn(`192.0.2.1, ${attacker}`, password)).status).toBe(429)
  }, 60_000)

  test('is a network of IPv6', async () => {
    const { signIn, statuses } = await setUp()
    for (let n = 0; n < 10; n++) await statuses(1, `2001:db8:1:2::${n}`, 'wrong')
    expect((await signIn('2001:db8:1:2:3:4:5:6', password)).status).toBe(429)
    expect((await signIn('2001:db8:1:3::1', password)).status).toBe(201)
  }, 60_000)

  test('without a trusted proxy is that of the connection: X-Forwarded-For changes nothing', async () => {
    const { email } = await setUp()
    const app = createApp({ database: service.database })
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: (request, self) => app.fetch(request, self),
    })
    servers.push(server)
    const signIn = (n: number) =>
      fetch(`${server.url}sessions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': `10.0.0.${n}` },
        body: JSON.stringify({ email, password: 'wrong' }),
      })
    const statuses = []
    for (let n = 0; n < 11; n++) statuses.push((await signIn(n)).status)
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429])
  }, 60_000)
})

test('200 who sign in at once hold up nobody else', async () => {
  await using started = startService({
    entry: `${import.meta.dir}/../src/index.ts`,
    env: { DATABASE_URL: service.url, DATABASE_NAME_CHECK: 'false', SHUTDOWN_DELAY: '0' },
  })
  const url = await started.url()
  await eventually(async () => (await fetch(`${url}/readyz`)).status === 200)
  const post = (path: string, body: object) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }).then(({ status }) => status)
  const email = `${crypto.randomUUID()}@example.org`
  await post('/users', { email, password })
  let left = 200
  const signedIn = Array.from({ length: 200 }, (_, n) =>
    post('/sessions', { email: `${n}-${email}`, password }).finally(() => left--),
  )
  // What a busy event loop would answer after all of them is answered between any two.
  const seen = new Set<number>()
  while (left > 0 && (await fetch(`${url}/livez`)).ok) seen.add(left)
  expect(new Set(await Promise.all(signedIn))).toEqual(new Set([401]))
  expect(seen.size).toBeGreaterThan(40)
}, 120_000)
