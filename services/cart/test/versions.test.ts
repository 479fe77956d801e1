import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as schema from '@schema/cart'
import { openService, type TestService } from '@shared/service/testing'
import { createApp } from '../src/app.ts'
import { createPrices } from './prices.ts'

const productId = crypto.randomUUID()
let service: TestService<typeof schema>
beforeAll(async () => {
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/cart').replace('schema.ts', 'migrations'),
  )
  const products = createPrices()
  products.set({ id: productId, priceMinor: 1999, currency: 'EUR' })
  service = await openService({
    service: 'cart',
    schema,
    migrationsFolder,
    createApp: (context) => createApp({ ...context, products, sessions: null }),
  })
}, 60_000)
afterAll(() => service[Symbol.asyncDispose]())

const get = (id: unknown, headers = {}) => service.send('GET', `/carts/${id}`, undefined, headers)
const put = (id: unknown, quantity: number, headers = {}) =>
  service.send('PUT', `/carts/${id}/items/${productId}`, { quantity }, headers)
const take = (id: unknown, headers = {}) =>
  service.send('DELETE', `/carts/${id}/items/${productId}`, undefined, headers)
async function open() {
  const { headers, body } = await service.send('POST', '/carts')
  return { id: body.id, tag: String(headers.get('ETag')) }
}
const tagOf = ({ headers }: { headers: Headers }) => String(headers.get('ETag'))

describe('the ETag of a cart', () => {
  test('is strong, and changes with each change of its items, but not by reading', async () => {
    const { id, tag } = await open()
    const tags = [
      tag,
      tagOf(await get(id)),
      tagOf(await put(id, 1)),
      tagOf(await get(id)),
      tagOf(await take(id)),
    ]
    expect(tags).toEqual([tag, tag, expect.any(String), tags[2], expect.any(String)] as string[])
    expect(tags.every((text) => /^"[\da-f-]{36}"$/.test(text))).toBe(true)
    expect(new Set(tags).size).toBe(3)
  })

  test('saves the body of a cart that has not changed', async () => {
    const { id, tag } = await open()
    const same = await get(id, { 'If-None-Match': `"other", ${tag}` })
    expect({ status: same.status, body: same.body, tag: tagOf(same) }).toEqual({
      status: 304,
      body: null as never,
      tag,
    })
    expect(same.headers.get('X-Request-Id')).toBeString()
    await put(id, 1)
    expect((await get(id, { 'If-None-Match': tag })).status).toBe(200)
  })
})

describe('If-Match', () => {
  test.each([
    ['put', put],
    ['take', (id: unknown, _n: number, headers: object) => take(id, headers)],
  ] as const)('%s changes a cart in the version that was seen, and in no other', async (_name, change) => {
    const { id } = await open()
    const seen = tagOf(await put(id, 1))
    const between = tagOf(await put(id, 2))
    const stale = await change(id, 3, { 'If-Match': seen })
    expect(stale).toMatchObject({ status: 412, body: { code: 'precondition-failed' } })
    expect((await get(id)).body).toMatchObject({ items: [{ quantity: 2 }] })
    expect((await change(id, 3, { 'If-Match': between })).status).toBeLessThan(300)
  })

  test('lets one of many change what all have seen', async () => {
    const { id, tag } = await open()
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => put(id, n + 1, { 'If-Match': tag })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412, 412, 412])
  })

  test('may be a list, or any', async () => {
    const { id, tag } = await open()
    expect((await put(id, 1, { 'If-Match': `"${crypto.randomUUID()}", ${tag}` })).status).toBe(200)
    expect((await put(id, 1, { 'If-Match': '*' })).status).toBe(200)
  })

  test.each(['"x"', 'W/"018f4b7e-2c52-7c7e-9d0c-3b8a5e4d2f10"', 'x', '', "'; drop table carts --"])(
    'of %j matches nothing',
    async (wrong) => {
      const { id } = await open()
      expect((await put(id, 1, { 'If-Match': wrong })).status).toBe(412)
    },
  )

  test('is 404 for a cart that is not there', async () => {
    const { tag } = await open()
    expect((await put(crypto.randomUUID(), 1, { 'If-Match': tag })).status).toBe(404)
  })
})
