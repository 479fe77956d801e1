import { afterAll, beforeAll, expect, test } from 'bun:test'
import * as schema from '@schema/product'
import type { SessionClient } from '@shared/service'
import { openService, type TestService } from '@shared/service/testing'
import { createApp } from '../src/app.ts'

const sessions: SessionClient = {
  find: async (token) => (token === 'known' ? { userId: crypto.randomUUID() } : null),
}

let service: TestService<typeof schema>
beforeAll(async () => {
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/product').replace('schema.ts', 'migrations'),
  )
  service = await openService({
    service: 'product',
    schema,
    migrationsFolder,
    createApp: (context) => createApp({ ...context, sessions }),
  })
}, 60_000)
afterAll(() => service[Symbol.asyncDispose]())

const signedIn = { Authorization: 'Bearer known' }

test('products can be read by everybody, and changed by who is signed in', async () => {
  const product = { sku: 'LAMP', name: 'Lamp', priceMinor: 1999, currency: 'EUR' }
  const write = async (headers: Record<string, string>, id: unknown) => [
    (await service.send('POST', '/products', { ...product, sku: crypto.randomUUID() }, headers)).status,
    (await service.send('POST', `/products/${id}/stock`, { delta: 1 }, headers)).status,
  ]
  const { id } = (await service.send('POST', '/products', product, signedIn)).body
  const read = [`/products/${id}`, '/products'].map(async (path) => (await service.send('GET', path)).status)
  expect({
    read: await Promise.all(read),
    signedIn: await write(signedIn, id),
    nobody: await write({}, id),
    unknown: await write({ Authorization: 'Bearer made-up' }, id),
    stock: (await service.send('GET', `/products/${id}`)).body.stock,
  }).toEqual({ read: [200, 200], signedIn: [201, 200], nobody: [401, 401], unknown: [401, 401], stock: 1 })
})
