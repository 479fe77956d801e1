import { expect, test } from 'bun:test'
import { createDatabase } from '@shared/database'
import { eventually, withDatabase } from '@shared/postgres/testing'
import { createServiceApp, silentLogger } from '../src/index.ts'
import { listen } from '../src/serve/listen.ts'

const maxWaiting = 4

/** A service on two connections with a short queue, behind a real socket; `/hold` keeps a connection until the gate opens. */
async function startSmallService() {
  const postgres = await withDatabase()
  const database = createDatabase({
    name: 'small',
    url: postgres.appUrl,
    pool: { poolSize: 2, maxOverflow: 0, maxWaiting, sharedDepth: 1 },
  })
  const gate = Promise.withResolvers<void>()
  const app = createServiceApp({ service: 'small', version: '1', database })
  app.get('/hold', async (c) => {
    await database.use(() => gate.promise)
    return c.json({ held: true })
  })
  app.get('/work', async (c) => c.json(await database.db.execute('select 1 as n, pg_sleep(0.005)::text')))
  const server = await listen({ fetch: app.fetch, host: '127.0.0.1', port: 0, logger: silentLogger() })
  return {
    database,
    gate,
    send: (path: string) => fetch(new URL(path, server.url)),
    async [Symbol.asyncDispose]() {
      gate.resolve()
      await server.stop(true)
      await database.close({ timeoutMs: 500 })
      await postgres.drop()
    },
  }
}

async function expectBusy(response: Response) {
  expect({
    status: response.status,
    type: response.headers.get('Content-Type'),
    problem: await response.json(),
  }).toMatchObject({ status: 503, type: 'application/problem+json', problem: { code: 'database-busy' } })
  expect(response.headers.get('Retry-After')).toMatch(/^[1-9]\d*$/)
}

test('requests past the end of the queue get 503 with Retry-After while those before them still wait', async () => {
  await using service = await startSmallService()
  const { database, gate, send } = service
  const held = [send('/hold'), send('/hold')]
  await eventually(() => database.status().checkedOut === 2)
  const queued = Array.from({ length: maxWaiting }, () => send('/work'))
  await eventually(() => database.status().waiting === maxWaiting)

  for (const response of await Promise.all(Array.from({ length: 40 }, () => send('/work'))))
    await expectBusy(response)
  expect(database.status()).toMatchObject({
    checkedOut: 2,
    waiting: maxWaiting,
    counters: { saturations: 40 },
  })
  const health = await send('/health')
  expect({ status: health.status, body: await health.json() }).toMatchObject({
    status: 200,
    body: { status: 'degraded', reasons: ['pool-saturated'] },
  })
  expect((await send('/readyz')).status).toBe(200)

  gate.resolve()
  expect((await Promise.all([...held, ...queued])).map(({ status }) => status)).toEqual(Array(6).fill(200))
  await eventually(async () => {
    const { status } = (await (await send('/health')).json()) as { status: string }
    return status === 'healthy'
  })
}, 60_000)

test('under ten times the load each request is served or refused as busy, and afterwards all is as before', async () => {
  await using service = await startSmallService()
  const { database, send } = service
  expect((await send('/work')).status).toBe(200)
  let [served, refused] = [0, 0]
  const clients = Array.from({ length: 10 * (2 + maxWaiting) }, async () => {
    for (let turn = 0; turn < 10; turn++) {
      const response = await send('/work')
      if (response.status === 200) {
        served++
        await response.json()
      } else {
        refused++
        await expectBusy(response)
      }
    }
  })
  await Promise.all(clients)
  expect(served).toBeGreaterThan(0)
  expect(database.status()).toMatchObject({ waiting: 0, counters: { saturations: refused, timeouts: 0 } })
  expect(refused).toBeGreaterThan(0)
  expect((await send('/work')).status).toBe(200)
  await eventually(() => database.status().checkedOut === 0)
}, 60_000)
