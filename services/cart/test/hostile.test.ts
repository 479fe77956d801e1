import { afterAll, beforeAll } from 'bun:test'
import * as schema from '@schema/cart'
import { openService, type TestService } from '@shared/service/testing'
import { type HostileRoute, testHostileInput } from '@shared/service/testing/hostile'
import { createApp } from '../src/app.ts'
import { createPrices } from './prices.ts'

const params = { id: crypto.randomUUID(), productId: crypto.randomUUID() }
const currencies = ['"eur"', '"EURO"', '"EU\\u00d6"', '"EUR\\n"', '""']
const routes: HostileRoute[] = [
  {
    method: 'POST',
    path: '/carts',
    body: { userId: crypto.randomUUID(), currency: 'EUR' },
    optional: ['userId', 'currency'],
    wrong: { currency: currencies },
  },
  { method: 'GET', path: '/carts/:id', params: { id: params.id } },
  {
    method: 'PUT',
    path: '/carts/:id/items/:productId',
    params,
    body: { quantity: 2 },
    wrong: { quantity: ['0', '-1', '1001', '"2"'] },
  },
  { method: 'DELETE', path: '/carts/:id/items/:productId', params },
]

let service: TestService<typeof schema>
beforeAll(async () => {
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/cart').replace('schema.ts', 'migrations'),
  )
  const products = createPrices()
  products.set({ id: params.productId, priceMinor: 1999, currency: 'EUR' })
  service = await openService({
    service: 'cart',
    schema,
    migrationsFolder,
    createApp: (context) => createApp({ ...context, products, sessions: null }),
  })
  const { db } = service.database
  await db.insert(schema.carts).values({ id: params.id, currency: 'EUR' })
  const item = { cartId: params.id, productId: params.productId, quantity: 1, unitPriceMinor: 1 }
  await db.insert(schema.cartItems).values(item)
}, 60_000)
afterAll(() => service[Symbol.asyncDispose]())

testHostileInput({
  service: () => service,
  entry: `${import.meta.dir}/../src/index.ts`,
  env: { PRODUCT_URL: 'http://127.0.0.1:9', REQUIRE_SESSION: 'false' },
  routes,
})
