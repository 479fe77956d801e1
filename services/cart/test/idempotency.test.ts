import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as schema from '@schema/cart'
import { createDatabase } from '@shared/database'
import { startFaultProxy } from '@shared/postgres/testing'
import { openService, requestsTo, type TestService } from '@shared/service/testing'
import { count, eq, sql } from 'drizzle-orm'
import { createApp } from '../src/app.ts'
import { createPrices } from './prices.ts'

const products = createPrices()
let service: TestService<typeof schema>
beforeAll(async () => {
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/cart').replace('schema.ts', 'migrations'),
  )
  service = await openService({
    service: 'cart',
    schema,
    migrationsFolder,
    createApp: (context) => createApp({ ...context, products, sessions: null }),
  })
}, 60_000)
afterAll(() => service[Symbol.asyncDispose]())

let key: string
let userId: string
beforeEach(() => {
  key = crypto.randomUUID()
  userId = crypto.randomUUID()
})

const open = (
  body: object,
  headers: Record<string, string> = { 'Idempotency-Key': key },
  send = service.send,
) => send('POST', '/carts', body, headers)
async function cartsOf(id: string): Promise<string[]> {
  const rows = await service.database.db.select().from(schema.carts).where(eq(schema.carts.userId, id))
  return rows.map((row) => row.id)
}
const keys = async () => (await service.database.db.select({ n: count() }).from(schema.idempotencyKeys))[0]?.n

describe('POST /carts with an Idempotency-Key', () => {
  test('creates once, and every repeat gets the same answer', async () => {
    const first = await open({ userId })
    const repeats = [await open({ userId }), await open({ userId })]
    expect({
      statuses: [first, ...repeats].map(({ status }) => status),
      locations: new Set([first, ...repeats].map(({ headers }) => headers.get('Location'))),
      texts: new Set([first, ...repeats].map(({ body }) => JSON.stringify(body))),
      replayed: [first, ...repeats].map(({ headers }) => headers.get('Idempotent-Replayed')),
      carts: await cartsOf(userId),
    }).toEqual({
      statuses: [201, 201, 201],
      locations: new Set([`/carts/${first.body.id}`]),
      texts: new Set([JSON.stringify(first.body)]),
      replayed: [null, 'true', 'true'],
      carts: [String(first.body.id)],
    })
  })

  test('creates once for many at the same time: the others wait for the first', async () => {
    const answers = await Promise.all(Array.from({ length: 16 }, () => open({ userId })))
    expect({
      statuses: new Set(answers.map(({ status }) => status)),
      ids: new Set(answers.map(({ body }) => body.id)),
      first: answers.filter(({ headers }) => headers.get('Idempotent-Replayed') === null).length,
    }).toEqual({ statuses: new Set([201]), ids: new Set(await cartsOf(userId)), first: 1 })
  })

  test('is 422 for another body, and creates nothing', async () => {
    await open({ userId })
    expect(await open({ userId, currency: 'USD' })).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    })
    expect(await cartsOf(userId)).toHaveLength(1)
  })

  test('tells clients apart that use the same key', async () => {
    for (const token of ['one', 'two']) {
      await open({ userId }, { 'Idempotency-Key': key, Authorization: `Bearer ${token}` })
    }
    expect(await cartsOf(userId)).toHaveLength(2)
  })

  test('does not keep a key whose request was refused', async () => {
    const before = await keys()
    expect((await open({ userId, currency: 'eur' })).status).toBe(400)
    expect(await keys()).toBe(before)
    expect((await open({ userId })).status).toBe(201)
  })

  test.each(['', 'short', 'with spaces in it, and long enough', 'x'.repeat(256)])(
    'refuses a key that is no key: %j',
    async (wrong) => {
      expect(await open({ userId }, { 'Idempotency-Key': wrong })).toMatchObject({
        status: 400,
        body: { code: 'invalid-request', errors: [{ in: 'header', path: 'Idempotency-Key' }] },
      })
      expect(await cartsOf(userId)).toEqual([])
    },
  )

  test('forgets keys after a day, and removes them', async () => {
    await open({ userId })
    await service.database.db.update(schema.idempotencyKeys).set({ expiresAt: sql`now() - interval '1 ms'` })
    const again = await open({ userId })
    expect({
      replayed: again.headers.get('Idempotent-Replayed'),
      carts: (await cartsOf(userId)).length,
    }).toEqual({
      replayed: null,
      carts: 2,
    })
    for (let more = 0; ((await keys()) ?? 0) > more + 1 && more < 20; more++) {
      await open({ userId }, { 'Idempotency-Key': crypto.randomUUID() })
    }
    const expired = await service.database.db.execute(
      sql`select id from ${schema.idempotencyKeys} where expires_at < now()`,
    )
    expect([...expired]).toEqual([])
  })

  test('without one every request creates', async () => {
    for (const _ of [1, 2]) await open({ userId }, {})
    expect(await cartsOf(userId)).toHaveLength(2)
  })
})

test('a request that is sent three times while connections are cut at random moments creates once', async () => {
  const { hostname: host, port } = new URL(service.url)
  await using proxy = await startFaultProxy({ target: { host, port: Number(port) } })
  const database = createDatabase({
    name: 'cart',
    url: proxy.url(service.url),
    schema,
    pool: { poolSize: 3, maxOverflow: 3 },
  })
  const unknown = { with: 0, without: 0 }
  const created = new Map<string, Set<unknown>>()
  try {
    const send = requestsTo(createApp({ database, products, sessions: null }))
    await open({ userId }, {}, send)
    // Each statement takes a round trip that is long enough to be hit.
    await proxy.set({ delayMs: 1 })
    // At random: what has not been hit by then is aimed at until it is.
    for (let round = 0; round < 40 || unknown.without === 0; round++) {
      const user = crypto.randomUUID()
      const headers = { 'Idempotency-Key': crypto.randomUUID() }
      const answers = []
      for (let repeat = 0; repeat < 3; repeat++) {
        const sent = open({ userId: user }, headers, send)
        const other = open({ userId }, {}, send)
        await sleep(Math.random() * 14)
        proxy.cut()
        answers.push(await sent)
        if ((await other).body.code === 'outcome-unknown') unknown.without++
      }
      // What a client does that has had no answer so far: it repeats the request.
      if (!answers.some(({ status }) => status === 201))
        answers.push(await open({ userId: user }, headers, send))
      unknown.with += answers.filter(({ body }) => body.code === 'outcome-unknown').length
      created.set(user, new Set(answers.filter(({ status }) => status === 201).map(({ body }) => body.id)))
    }
  } finally {
    await database.close({ timeoutMs: 2_000 })
  }
  const rows = await service.database.db.select().from(schema.carts)
  const wrong = [...created].filter(([user, ids]) => {
    const stored = rows.filter((row) => row.userId === user).map(({ id }) => id)
    return stored.length !== 1 || ids.size !== 1 || !ids.has(stored[0])
  })
  expect({ wrong, unknown }).toEqual({ wrong: [], unknown: { with: 0, without: expect.any(Number) } })
  // Else nothing was cut where it matters.
  expect(unknown.without).toBeGreaterThan(0)
}, 180_000)
