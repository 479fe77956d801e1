import { afterAll, beforeAll, expect, test } from 'bun:test'
import * as schema from '@schema/product'
import { openService, type TestService } from '@shared/service/testing'
import { createApp } from '../src/app.ts'

let service: TestService<typeof schema>
beforeAll(async () => {
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/product').replace('schema.ts', 'migrations'),
  )
  service = await openService({
    service: 'product',
    schema,
    migrationsFolder,
    createApp: (context) => createApp({ ...context, sessions: null }),
  })
}, 60_000)
afterAll(() => service[Symbol.asyncDispose]())

async function add() {
  const product = { sku: crypto.randomUUID(), name: 'Lamp', priceMinor: 1999, currency: 'EUR' }
  const { headers, body } = await service.send('POST', '/products', product)
  return { id: body.id, tag: String(headers.get('ETag')) }
}
const change = (id: unknown, delta: number, headers = {}) =>
  service.send('POST', `/products/${id}/stock`, { delta }, headers)
const get = (id: unknown, headers = {}) => service.send('GET', `/products/${id}`, undefined, headers)

test('one of many changes the stock that all have seen', async () => {
  const { id, tag } = await add()
  const answers = await Promise.all(Array.from({ length: 8 }, () => change(id, 5, { 'If-Match': tag })))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412, 412, 412])
  expect((await get(id)).body).toMatchObject({ stock: 5 })
})

test('a product that has not changed is 304, and one whose stock has is not', async () => {
  const { id, tag } = await add()
  expect((await get(id, { 'If-None-Match': tag })).status).toBe(304)
  const changed = (await change(id, 1)).headers.get('ETag')
  const again = await get(id, { 'If-None-Match': tag })
  expect({ status: again.status, tag: again.headers.get('ETag') }).toEqual({ status: 200, tag: changed })
})

test('a change with a key is made once, whatever version there is by then, and answers alike', async () => {
  const { id, tag } = await add()
  const headers = { 'If-Match': tag, 'Idempotency-Key': crypto.randomUUID() }
  const answers = [await change(id, 3, headers), await change(id, 3, headers)]
  expect(answers.map(({ status, body, headers }) => [status, body.quantity, headers.get('ETag')])).toEqual(
    Array.from({ length: 2 }, () => [200, 3, answers[0]?.headers.get('ETag') ?? '']),
  )
})
