import { afterAll, beforeAll } from 'bun:test'
import * as schema from '@schema/cart'
import type { SessionClient } from '@shared/service'
import { openService, type TestService } from '@shared/service/testing'
import { testApiDocument } from '@shared/service/testing/openapi'
import { createApp } from '../src/app.ts'
import { exampleCart } from '../src/routes/carts.ts'
import { exampleItem } from '../src/routes/items.ts'
import { createPrices } from './prices.ts'

const sessions: SessionClient = {
  find: async (token) => (token === 'known' ? { userId: crypto.randomUUID() } : null),
}

let service: TestService<typeof schema>
beforeAll(async () => {
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/cart').replace('schema.ts', 'migrations'),
  )
  const products = createPrices()
  const { productId, unitPriceMinor: priceMinor } = exampleItem
  products.set({ id: productId, priceMinor, currency: exampleCart.currency })
  service = await openService({
    service: 'cart',
    schema,
    migrationsFolder,
    createApp: (context) => createApp({ ...context, products, sessions }),
  })
  const { id, currency } = exampleCart
  await service.database.db.insert(schema.carts).values({ id, currency })
}, 60_000)
afterAll(() => service[Symbol.asyncDispose]())

testApiDocument({ service: () => service, tokens: { session: 'known' } })
