import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import * as schema from '@schema/product'
import { openService, type TestService } from '@shared/service/testing'
import { createApp } from '../src/app.ts'

const migrationsFolder = Bun.fileURLToPath(
  import.meta.resolve('@schema/product').replace('schema.ts', 'migrations'),
)
const open = () =>
  openService({
    service: 'product',
    schema,
    migrationsFolder,
    createApp: (context) => createApp({ ...context, sessions: null }),
  })

let shared: TestService<typeof schema>
/** Of one test: what it adds is there for it alone. */
let undone: TestService<typeof schema>
let service: TestService<typeof schema>
beforeAll(async () => {
  shared = await open()
}, 60_000)
beforeEach(() => {
  undone = shared.rollback()
  service = undone
})
afterEach(() => undone[Symbol.asyncDispose]())
afterAll(() => shared[Symbol.asyncDispose]())

const unknown = '018f4b7e-0000-7000-8000-000000000000'
let count = 0

function lamp(sku = `LAMP-${++count}`) {
  return { sku, name: 'Lamp', priceMinor: 1999, currency: 'EUR' }
}

async function addLamp(stock = 0) {
  const { body } = await service.send('POST', '/products', lamp())
  const id = String(body.id)
  if (stock > 0) await service.send('POST', `/products/${id}/stock`, { delta: stock })
  return id
}

describe('POST /products', () => {
  test('adds a product with an empty shelf and says where it is', async () => {
    const answer = await service.send('POST', '/products', lamp('LAMP'))
    expect(answer).toMatchObject({ status: 201, body: { ...lamp('LAMP'), stock: 0 } })
    expect(answer.headers.get('Location')).toBe(`/products/${answer.body.id}`)
  })

  test('refuses a SKU that is taken', async () => {
    await service.send('POST', '/products', lamp('TWICE'))
    expect(await service.send('POST', '/products', lamp('TWICE'))).toMatchObject({
      status: 409,
      body: { code: 'sku-taken' },
    })
  })

  test('keeps amounts up to 2^53 - 1 exactly', async () => {
    const priceMinor = Number.MAX_SAFE_INTEGER
    const { body } = await service.send('POST', '/products', { ...lamp(), priceMinor })
    expect((await service.send('GET', `/products/${body.id}`)).body).toMatchObject({ priceMinor })
  })

  test.each([
    ['a negative price', { ...lamp(), priceMinor: -1 }],
    ['a fractional price', { ...lamp(), priceMinor: 19.99 }],
    ['a price too large to be exact', { ...lamp(), priceMinor: 2 ** 53 }],
    ['a currency in words', { ...lamp(), currency: 'euro' }],
    ['a blank name', { ...lamp(), name: '  ' }],
    ['NUL in the name', { ...lamp(), name: 'La\u0000mp' }],
    ['an unknown field', { ...lamp(), stock: 5 }],
  ])('refuses %s', async (_name, body) => {
    expect(await service.send('POST', '/products', body)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request' },
    })
  })
})

describe('GET /products', () => {
  test('pages through every product once, newest first, while others are added', async () => {
    // Each has the time of its own transaction.
    await using committing = await open()
    service = committing
    const added = [await addLamp(), await addLamp(), await addLamp(), await addLamp(), await addLamp()]
    const seen: string[] = []
    let cursor: unknown = null
    do {
      const { body } = await service.send('GET', `/products?limit=2${cursor ? `&cursor=${cursor}` : ''}`)
      const items = body.items as { id: string }[]
      expect(items.length).toBeLessThanOrEqual(2)
      seen.push(...items.map(({ id }) => id))
      if (cursor === null) await addLamp()
      cursor = body.nextCursor
    } while (cursor !== null)
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.slice(0, 5).sort()).toEqual(added.sort())
  })

  test('ends a page of the exact length without a cursor', async () => {
    const added = [await addLamp(), await addLamp()]
    const { body } = await service.send('GET', '/products?limit=2')
    const ids = (body.items as { id: string }[]).map(({ id }) => id)
    expect({ ids: ids.sort(), nextCursor: body.nextCursor }).toEqual({ ids: added.sort(), nextCursor: null })
  })

  test.each(['limit=0', 'limit=101', 'limit=ten', 'cursor=nonsense', 'cursor=', 'order=name'])(
    'refuses ?%s',
    async (query) => {
      expect(await service.send('GET', `/products?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'invalid-request', errors: [{ in: 'query', path: query.split('=')[0] }] },
      })
    },
  )
})

describe('GET /products/:id', () => {
  test('answers a product with its stock', async () => {
    const id = await addLamp(7)
    expect(await service.send('GET', `/products/${id}`)).toMatchObject({
      status: 200,
      body: { id, stock: 7 },
    })
  })

  test('is 404 for an unknown id and 400 for what is no id', async () => {
    expect(await service.send('GET', `/products/${unknown}`)).toMatchObject({
      status: 404,
      body: { code: 'product-not-found' },
    })
    expect((await service.send('GET', '/products/1')).status).toBe(400)
  })
})

describe('POST /products/:id/stock', () => {
  test('adds and takes', async () => {
    const id = await addLamp(5)
    const change = (delta: number) => service.send('POST', `/products/${id}/stock`, { delta })
    expect(await change(3)).toMatchObject({ status: 200, body: { productId: id, quantity: 8 } })
    expect(await change(-8)).toMatchObject({ status: 200, body: { productId: id, quantity: 0 } })
  })

  test('refuses to fall below zero and changes nothing then', async () => {
    const id = await addLamp(2)
    expect(await service.send('POST', `/products/${id}/stock`, { delta: -3 })).toMatchObject({
      status: 409,
      body: { code: 'insufficient-stock' },
    })
    expect((await service.send('GET', `/products/${id}`)).body.stock).toBe(2)
  })

  test('refuses to grow past what the column holds', async () => {
    const id = await addLamp(1)
    expect(await service.send('POST', `/products/${id}/stock`, { delta: 2_147_483_647 })).toMatchObject({
      status: 409,
      body: { code: 'stock-limit' },
    })
  })

  test('sells exactly what is there when many buy at once', async () => {
    await using committing = await open()
    service = committing
    const id = await addLamp(6)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => service.send('POST', `/products/${id}/stock`, { delta: -1 })),
    )
    const sold = answers.filter(({ status }) => status === 200).length
    const refused = answers.filter(({ body }) => body.code === 'insufficient-stock').length
    expect({ sold, refused, left: (await service.send('GET', `/products/${id}`)).body.stock }).toEqual({
      sold: 6,
      refused: 14,
      left: 0,
    })
  })

  test('is 404 for an unknown product and 400 for no change at all', async () => {
    expect((await service.send('POST', `/products/${unknown}/stock`, { delta: 1 })).status).toBe(404)
    for (const body of [{ delta: 0 }, { delta: 1.5 }, {}, { delta: 1, note: 'x' }]) {
      expect((await service.send('POST', `/products/${unknown}/stock`, body)).status).toBe(400)
    }
  })
})
