import { afterAll, beforeAll, expect, test } from 'bun:test'
import * as schema from '@schema/cart'
import { migrate } from '@shared/database'
import { eventually, type TestDatabase, withDatabase } from '@shared/postgres/testing'
import { createLogger } from '@shared/service'
import { openService, type ServiceProcess, startService, type TestService } from '@shared/service/testing'
import { createApp } from '../src/app.ts'
import { createProductClient } from '../src/product-client.ts'

const root = `${import.meta.dir}/../../..`

// The product service as it is started in production, on a database of its own: by its address alone, never by its code.
let postgres: TestDatabase
let product: ServiceProcess
let url: string
let cart: TestService<typeof schema>

const startProduct = (port: string) =>
  startService({
    entry: `${root}/services/product/src/index.ts`,
    env: {
      PORT: port,
      DATABASE_URL: postgres.appUrl,
      DATABASE_NAME_CHECK: 'false',
      SHUTDOWN_DELAY: '0',
      HEALTH_DETAILS: 'always',
      REQUIRE_SESSION: 'false',
    },
  })

const untilReady = () =>
  eventually(() =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )

beforeAll(async () => {
  postgres = await withDatabase({ service: 'product' })
  await migrate({ url: postgres.migratorUrl, migrationsFolder: `${root}/drizzle/product/migrations` })
  product = startProduct('0')
  url = await product.url()
  await untilReady()
  const migrationsFolder = Bun.fileURLToPath(
    import.meta.resolve('@schema/cart').replace('schema.ts', 'migrations'),
  )
  const products = createProductClient({ url, timeoutMs: 60_000 })
  cart = await openService({
    service: 'cart',
    schema,
    migrationsFolder,
    createApp: (context) => createApp({ ...context, products, sessions: null }),
  })
}, 60_000)
// Also after a start that failed half way: the product service is a process of its own.
afterAll(async () => {
  await cart?.[Symbol.asyncDispose]()
  await product?.[Symbol.asyncDispose]()
  await postgres?.drop()
})

async function addProduct(sku: string, priceMinor: number): Promise<string> {
  const response = await fetch(`${url}/products`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ sku, name: 'Lamp', priceMinor, currency: 'EUR' }),
  })
  return ((await response.json()) as { id: string }).id
}

async function openCart(): Promise<string> {
  return `/carts/${(await cart.send('POST', '/carts')).body.id}`
}

test("what is put in a cart has the product service's price", async () => {
  const lamp = await addProduct('LAMP', 1999)
  const address = await openCart()
  expect(await cart.send('PUT', `${address}/items/${lamp}`, { quantity: 2 })).toMatchObject({
    status: 200,
    body: { productId: lamp, quantity: 2, unitPriceMinor: 1999, currency: 'EUR' },
  })
  expect((await cart.send('GET', address)).body).toMatchObject({ totalMinor: 3998 })
})

test('a product that the product service does not have is named', async () => {
  const unknown = crypto.randomUUID()
  expect(await cart.send('PUT', `${await openCart()}/items/${unknown}`, { quantity: 1 })).toMatchObject({
    status: 404,
    body: { code: 'product-not-found', detail: `There is no product ${unknown}.` },
  })
})

test("what cart reads is in the product service's own documentation", async () => {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, { get?: object }>
    components: { schemas: Record<string, unknown> }
  }
  expect(document.paths['/products/{id}']?.get).toMatchObject({
    responses: {
      200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/ProductWithStock' } } } },
    },
  })
  expect(propertiesOf('ProductWithStock', document.components.schemas)).toMatchObject({
    id: { type: 'string', format: 'uuid' },
    priceMinor: { type: 'integer' },
    currency: { type: 'string' },
  })
})

test('while the product service is down carts can be read and emptied, not filled; later they can', async () => {
  const lamp = await addProduct('SPARE', 500)
  const address = await openCart()
  await cart.send('PUT', `${address}/items/${lamp}`, { quantity: 1 })
  const { port } = new URL(url)
  product.kill('SIGTERM')
  expect(await product.exited).toBe(0)

  const refused = await cart.send('PUT', `${address}/items/${lamp}`, { quantity: 3 })
  expect(refused).toMatchObject({ status: 503, body: { code: 'product-unavailable' } })
  expect(refused.headers.get('Retry-After')).toBe('2')
  expect(await cart.send('GET', address)).toMatchObject({
    status: 200,
    body: { totalMinor: 500, items: [{ productId: lamp, quantity: 1 }] },
  })
  expect((await cart.send('GET', '/readyz')).status).toBe(200)
  expect((await cart.send('DELETE', `${address}/items/${lamp}`)).status).toBe(204)

  product = startProduct(port)
  await untilReady()
  expect((await cart.send('PUT', `${address}/items/${lamp}`, { quantity: 3 })).status).toBe(200)
}, 60_000)

test('while the product service hangs nobody waits longer than the deadline, and no connection is held', async () => {
  const lamp = await addProduct('SLOW', 500)
  const address = await openCart()
  const impatient = createProductClient({ url, timeoutMs: 1000 })
  /** Connections in use, as the product service is asked and when that is over; by then the cart has been looked up. */
  const held: number[] = []
  const note = () => held.push(cart.database.status().checkedOut)
  const hasty = createApp({
    database: cart.database,
    products: {
      read(...asked) {
        note()
        return impatient.read(...asked).finally(note)
      },
    },
    sessions: null,
  })
  const { checkouts } = cart.database.status().counters
  product.kill('SIGSTOP')
  try {
    const response = await hasty.request(`${address}/items/${lamp}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: '{"quantity":1}',
    })
    expect({ status: response.status, body: await response.json(), held }).toMatchObject({
      status: 503,
      body: { code: 'product-timeout' },
      held: [0, 0],
    })
    expect(cart.database.status().counters.checkouts).toBeGreaterThan(checkouts)
    expect((await cart.send('GET', address)).status).toBe(200)
  } finally {
    product.kill('SIGCONT')
  }
  expect((await cart.send('PUT', `${address}/items/${lamp}`, { quantity: 1 })).status).toBe(200)
}, 60_000)

test('a client that hangs up while the product service is asked is no error', async () => {
  const lamp = await addProduct('GONE', 500)
  const address = await openCart()
  const written: string[] = []
  const logger = createLogger({ service: 'cart', destination: { write: (line) => void written.push(line) } })
  const app = createApp({
    database: cart.database,
    logger,
    products: createProductClient({ url, timeoutMs: 60_000 }),
    sessions: null,
  })
  await using server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => app.fetch(request) })
  const { checkouts } = cart.database.status().counters
  product.kill('SIGSTOP')
  try {
    const client = new AbortController()
    const asked = fetch(new URL(`${address}/items/${lamp}`, server.url), {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: '{"quantity":1}',
      signal: client.signal,
    }).catch(() => 'hung up')
    await eventually(() => {
      const { counters, checkedOut } = cart.database.status()
      return counters.checkouts > checkouts && checkedOut === 0
    })
    client.abort()
    expect(await asked).toBe('hung up')
    await eventually(() => written.length > 0)
  } finally {
    product.kill('SIGCONT')
  }
  expect(written.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ level: 'info', method: 'PUT', status: 499, code: 'client-gone' }),
  ])
}, 60_000)

/** The properties of a schema, with those of the schemas it is made from. */
function propertiesOf(name: string, schemas: Record<string, unknown>): Record<string, unknown> {
  const { properties, allOf = [] } = schemas[name] as ObjectSchema
  const parts = allOf.map(({ $ref, properties: own }) =>
    $ref === undefined ? own : propertiesOf($ref.split('/').at(-1) ?? '', schemas),
  )
  return Object.assign({}, ...parts, properties)
}

interface ObjectSchema {
  $ref?: string
  properties?: Record<string, unknown>
  allOf?: ObjectSchema[]
}
