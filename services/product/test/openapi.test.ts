import { afterAll, beforeAll } from 'bun:test'
import * as schema from '@schema/product'
import type { SessionClient } from '@shared/service'
import { openService, type TestService } from '@shared/service/testing'
import { testApiDocument } from '@shared/service/testing/openapi'
import { createApp } from '../src/app.ts'
import { exampleProduct } from '../src/routes/products.ts'

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
  const { db } = service.database
  await db.insert(schema.products).values({ ...exampleProduct, createdAt: new Date() })
  await db.insert(schema.stock).values({ productId: exampleProduct.id, quantity: 7 })
}, 60_000)
afterAll(() => service[Symbol.asyncDispose]())

testApiDocument({ service: () => service, tokens: { session: 'known' } })
