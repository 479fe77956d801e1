import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as schema from '@schema/cart'
import { migrate } from '@shared/database'
import { eventually, type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { createSessionClient } from '@shared/service'
import { openService, type ServiceProcess, startService, type TestService } from '@shared/service/testing'
import { createApp } from '../src/app.ts'
import { createPrices } from './prices.ts'

// The real auth service, in a process of its own.
const root = `${import.meta.dir}/../../..`
const productId = crypto.randomUUID()
let postgres: TestDatabase
let auth: ServiceProcess
let authUrl: string
let cart: TestService<typeof schema>

function startAuth(port: string): ServiceProcess {
  return startService({
    entry: `${root}/services/auth/src/index.ts`,
    env: { DATABASE_URL: postgres.appUrl, DATABASE_NAME_CHECK: 'false', SHUTDOWN_DELAY: '0', PORT: port },
  })
}
const untilReady = () =>
  eventually(() =>
    fetch(`${authUrl}/readyz`)
      .then(({ ok }) => ok)
      .catch(() => false),
  )

beforeAll(async () => {
  postgres = await withDatabase({ service: 'auth' })
  await migrate({ url: postgres.migratorUrl, migrationsFolder: `${root}/drizzle/auth/migrations` })
  auth = startAuth('0')
  authUrl = await auth.url()
  await untilReady()
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/cart').replace('schema.ts', 'migrations'),
  )
  const products = createPrices()
  products.set({ id: productId, priceMinor: 1999, currency: 'EUR' })
  const sessions = createSessionClient({ url: authUrl, timeoutMs: 60_000, cacheMs: 300 })
  cart = await openService({
    service: 'cart',
    schema,
    migrationsFolder,
    createApp: (context) => createApp({ ...context, products, sessions }),
  })
}, 60_000)
afterAll(async () => {
  await cart?.[Symbol.asyncDispose]()
  await auth?.[Symbol.asyncDispose]()
  await postgres?.drop()
})

type Headers = Record<string, string>

async function signIn(): Promise<{ userId: string; headers: Headers }> {
  const credentials = { email: `${crypto.randomUUID()}@example.org`, password: 'correct horse battery' }
  const post = (path: string) =>
    fetch(authUrl + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(credentials),
    })
  await post('/users')
  const { token, userId } = (await (await post('/sessions')).json()) as { token: string; userId: string }
  return { userId, headers: { Authorization: `Bearer ${token}` } }
}

/** What each route of carts answers for one that is there. */
async function statuses(id: unknown, headers: Headers) {
  const item = `/carts/${id}/items/${productId}`
  const answers = [
    await cart.send('PUT', item, { quantity: 1 }, headers),
    await cart.send('GET', `/carts/${id}`, undefined, headers),
    await cart.send('DELETE', item, undefined, headers),
  ]
  return answers.map(({ status }) => status)
}
const open = (headers: Headers, body: object = {}) => cart.send('POST', '/carts', body, headers)

describe('carts', () => {
  test('belong to the user who is signed in, and are there for nobody else', async () => {
    const [ada, eve] = [await signIn(), await signIn()]
    const { status, body } = await open(ada.headers)
    expect({ status, userId: body.userId }).toEqual({ status: 201, userId: ada.userId })
    expect(await statuses(body.id, eve.headers)).toEqual([404, 404, 404])
    expect(await statuses(body.id, ada.headers)).toEqual([200, 200, 204])
    expect((await open(eve.headers, { userId: ada.userId })).status).toBe(403)
  })

  test('need a session: without a token, or with a wrong one, nothing is told or changed', async () => {
    const ada = await signIn()
    const { id } = (await open(ada.headers)).body
    for (const headers of [
      {},
      { Authorization: 'Bearer wrong' },
      { Authorization: 'Basic eDp5' },
    ] as Headers[]) {
      const answer = await open(headers)
      expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 401, code: 'unauthorized' })
      expect(answer.headers.has('WWW-Authenticate')).toBe(true)
      expect(await statuses(id, headers)).toEqual([401, 401, 401])
    }
  })

  test('are closed to a session that was signed out, within the time that answers are remembered', async () => {
    const ada = await signIn()
    expect((await open(ada.headers)).status).toBe(201)
    await fetch(`${authUrl}/sessions/current`, { method: 'DELETE', headers: ada.headers })
    await eventually(async () => (await open(ada.headers)).status === 401)
  })

  test('of a repeated request are one, and of another user with the same key another', async () => {
    const [ada, eve] = [await signIn(), await signIn()]
    const key = { 'Idempotency-Key': crypto.randomUUID() }
    const ids = []
    for (const { headers } of [ada, ada, eve]) ids.push((await open({ ...headers, ...key })).body.id)
    expect(ids[0]).toBe(ids[1])
    expect(ids[2]).not.toBe(ids[0])
  })

  test('are 503 while auth is down, and served again when it is back', async () => {
    const ada = await signIn()
    const { port } = new URL(authUrl)
    auth.kill('SIGKILL')
    await auth.exited
    const answer = await open(ada.headers)
    expect({
      status: answer.status,
      code: answer.body.code,
      after: answer.headers.get('Retry-After'),
    }).toEqual({
      status: 503,
      code: 'sessions-unavailable',
      after: '2',
    })
    expect((await cart.send('GET', '/readyz')).status).toBe(200)
    auth = startAuth(port)
    await untilReady()
    expect((await open(ada.headers)).status).toBe(201)
  }, 60_000)
})
