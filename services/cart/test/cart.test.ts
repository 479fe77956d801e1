import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as schema from '@schema/cart'
import { openService, type TestService } from '@shared/service/testing'
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

const unknown = '018f4b7e-0000-7000-8000-000000000000'
const lamp = products.set({ id: crypto.randomUUID(), priceMinor: 1999, currency: 'EUR' })
const shade = products.set({ id: crypto.randomUUID(), priceMinor: 500, currency: 'EUR' })
const two = { quantity: 2 }

async function openCart() {
  const { body } = await service.send('POST', '/carts')
  return `/carts/${body.id}`
}

describe('POST /carts', () => {
  test('opens an empty cart, also without a body', async () => {
    const answer = await service.send('POST', '/carts')
    expect(answer).toMatchObject({
      status: 201,
      body: { currency: 'EUR', userId: null, items: [], totalMinor: 0 },
    })
    expect(answer.headers.get('Location')).toBe(`/carts/${answer.body.id}`)
  })

  test('opens a cart for a user in a currency', async () => {
    const given = { userId: crypto.randomUUID(), currency: 'SEK' }
    expect(await service.send('POST', '/carts', given)).toMatchObject({ status: 201, body: given })
  })

  test.each([
    ['a user id that is none', { userId: '7' }],
    ['a currency that is none', { currency: 'e' }],
    ['an unknown field', { items: [] }],
    ['a list', []],
  ])('refuses %s', async (_name, body) => {
    expect(await service.send('POST', '/carts', body)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request' },
    })
  })
})

describe('GET /carts/:id', () => {
  test('answers a cart with its items in the order they were added, and their sum', async () => {
    const cart = await openCart()
    await service.send('PUT', `${cart}/items/${lamp}`, two)
    await service.send('PUT', `${cart}/items/${shade}`, { quantity: 1 })
    expect(await service.send('GET', cart)).toMatchObject({
      status: 200,
      body: {
        totalMinor: 4498,
        items: [
          { productId: lamp, quantity: 2, unitPriceMinor: 1999 },
          { productId: shade, quantity: 1, unitPriceMinor: 500 },
        ],
      },
    })
  })

  test('is 404 for an unknown id and 400 for what is no id', async () => {
    expect(await service.send('GET', `/carts/${unknown}`)).toMatchObject({
      status: 404,
      body: { code: 'cart-not-found' },
    })
    expect((await service.send('GET', '/carts/1')).status).toBe(400)
  })
})

describe('PUT /carts/:id/items/:productId', () => {
  test('puts a product in the cart, and replaces it when it lies there already', async () => {
    const cart = await openCart()
    const first = await service.send('PUT', `${cart}/items/${lamp}`, two)
    expect(first).toMatchObject({
      status: 200,
      body: { productId: lamp, quantity: 2, unitPriceMinor: 1999, currency: 'EUR' },
    })
    await service.send('PUT', `${cart}/items/${lamp}`, { quantity: 5 })
    expect((await service.send('GET', cart)).body).toMatchObject({
      totalMinor: 9995,
      items: [{ productId: lamp, quantity: 5, unitPriceMinor: 1999 }],
    })
  })

  test('keeps the price a product had when it was put there, until it is put there again', async () => {
    const cart = await openCart()
    const id = products.set({ id: crypto.randomUUID(), priceMinor: 100, currency: 'EUR' })
    await service.send('PUT', `${cart}/items/${id}`, two)
    products.set({ id, priceMinor: 300, currency: 'EUR' })
    expect((await service.send('GET', cart)).body).toMatchObject({ totalMinor: 200 })
    await service.send('PUT', `${cart}/items/${id}`, two)
    expect((await service.send('GET', cart)).body).toMatchObject({ totalMinor: 600 })
  })

  test('names a product that does not exist', async () => {
    const cart = await openCart()
    expect(await service.send('PUT', `${cart}/items/${unknown}`, two)).toMatchObject({
      status: 404,
      body: { code: 'product-not-found', detail: `There is no product ${unknown}.` },
    })
  })

  test('refuses a price whose sum could not be exact', async () => {
    const cart = await openCart()
    const yacht = products.set({ id: crypto.randomUUID(), priceMinor: 1_000_000_001, currency: 'EUR' })
    expect(await service.send('PUT', `${cart}/items/${yacht}`, two)).toMatchObject({
      status: 422,
      body: { code: 'price-too-high' },
    })
  })

  test('holds a product once, however many put it there at once', async () => {
    const cart = await openCart()
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        service.send('PUT', `${cart}/items/${lamp}`, { quantity: index + 1 }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect((await service.send('GET', cart)).body.items).toHaveLength(1)
  })

  test('refuses another currency than the cart has', async () => {
    const cart = await openCart()
    const stol = products.set({ id: crypto.randomUUID(), priceMinor: 1, currency: 'SEK' })
    expect(await service.send('PUT', `${cart}/items/${stol}`, two)).toMatchObject({
      status: 409,
      body: { code: 'currency-mismatch' },
    })
    expect((await service.send('GET', cart)).body.items).toEqual([])
  })

  test('is 404 for an unknown cart', async () => {
    expect(await service.send('PUT', `/carts/${unknown}/items/${lamp}`, two)).toMatchObject({
      status: 404,
      body: { code: 'cart-not-found' },
    })
  })

  test.each([
    ['nothing of it', { quantity: 0 }],
    ['half of it', { quantity: 0.5 }],
    ['no quantity', {}],
    ['a price of the client’s own', { ...two, unitPriceMinor: 1 }],
    ['an unknown field', { ...two, note: 'x' }],
  ])('refuses %s', async (_name, body) => {
    const cart = await openCart()
    expect(await service.send('PUT', `${cart}/items/${lamp}`, body)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request' },
    })
  })

  test('refuses a product id that is none', async () => {
    const cart = await openCart()
    expect((await service.send('PUT', `${cart}/items/lamp`, two)).status).toBe(400)
  })
})

describe('DELETE /carts/:id/items/:productId', () => {
  test('takes a product out, once', async () => {
    const cart = await openCart()
    await service.send('PUT', `${cart}/items/${lamp}`, two)
    expect((await service.send('DELETE', `${cart}/items/${lamp}`)).status).toBe(204)
    expect(await service.send('DELETE', `${cart}/items/${lamp}`)).toMatchObject({
      status: 404,
      body: { code: 'item-not-found' },
    })
    expect((await service.send('GET', cart)).body.items).toEqual([])
  })

  test('is 404 for an unknown cart and 400 for what is no id', async () => {
    expect((await service.send('DELETE', `/carts/${unknown}/items/${lamp}`)).body.code).toBe('cart-not-found')
    expect((await service.send('DELETE', `/carts/${unknown}/items/lamp`)).status).toBe(400)
  })
})
