import { afterAll, beforeAll } from 'bun:test'
import * as schema from '@schema/product'
import { openService, type TestService } from '@shared/service/testing'
import { type HostileRoute, testHostileInput } from '@shared/service/testing/hostile'
import { createApp } from '../src/app.ts'

const cursor = (text: string) => Buffer.from(text).toString('base64url')
const id = crypto.randomUUID()
const routes: HostileRoute[] = [
  {
    method: 'GET',
    path: '/products',
    query: { limit: '20', cursor: cursor(`2026-01-01T00:00:00.000Z,${id}`) },
    wrong: {
      limit: ['101', '1e1', '0x10', '٣', '1_0', '00', '20.0'],
      cursor: [
        cursor(`2026-01-01T00:00:00.000Z,${id},`),
        cursor(`2026-13-01T00:00:00.000Z,${id}`),
        cursor(`0000-01-01T00:00:00.000Z,${id}`),
        cursor(`9999999-01-01T00:00:00.000Z,${id}`),
        cursor(`infinity,${id}`),
        cursor(`now'::timestamptz; --,${id}`),
        cursor(`2026-01-01T00:00:00.000Z,' or true`),
        cursor('{"createdAt":{},"id":[]}'),
        '====',
        'A'.repeat(201),
      ],
    },
  },
  { method: 'GET', path: '/products/:id', params: { id } },
  {
    method: 'POST',
    path: '/products',
    body: { sku: 'new', name: 'Lamp', priceMinor: 1, currency: 'EUR' },
    anyText: ['sku', 'name'],
    wrong: {
      priceMinor: ['-1', '"1"', '1.5'],
      currency: ['"eur"', '"EURO"', '"EU\\u00d6"'],
      sku: ['"\\t \\n"'],
    },
  },
  {
    method: 'POST',
    path: '/products/:id/stock',
    params: { id },
    body: { delta: 5 },
    wrong: { delta: ['0', '2147483648', '-1'] },
  },
]

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
  await service.database.db
    .insert(schema.products)
    .values({ id, sku: 'lamp', name: 'Lamp', priceMinor: 1999, currency: 'EUR' })
  await service.database.db.insert(schema.stock).values({ productId: id })
}, 60_000)
afterAll(() => service[Symbol.asyncDispose]())

testHostileInput({
  service: () => service,
  entry: `${import.meta.dir}/../src/index.ts`,
  env: { REQUIRE_SESSION: 'false' },
  routes,
})
