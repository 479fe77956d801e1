import { join } from 'node:path'
import { migrate } from '@shared/database'
import { startTestServer } from '@shared/postgres/testing'
import { type ServerProcess, startServer } from './servers/server-process.ts'

const root = join(import.meta.dir, '../../..')
const servers = join(import.meta.dir, 'servers')

/** The servers by what they are called here. */
export type ServerName = 'product' | 'cart' | 'stock' | 'stock-prepared' | 'plain'

/** PostgreSQL with the services' databases, and every server that is measured. */
export interface World extends AsyncDisposable {
  readonly version: string
  readonly servers: Readonly<Record<ServerName, ServerProcess>>
  /** Ids of rows to request. */
  readonly productId: string
  readonly cartId: string
  /** Starts one more of a kind. */
  start(name: ServerName): Promise<ServerProcess>
}

/** Starts all of it; disposing stops all of it and removes the data. */
export async function createWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const postgres = stack.use(await startTestServer())
  const urls = { product: '', cart: '' }
  for (const service of ['product', 'cart'] as const) {
    const { appUrl, migratorUrl } = await postgres.database(service)
    await migrate({ url: migratorUrl, migrationsFolder: join(root, `drizzle/${service}/migrations`) })
    urls[service] = appUrl
  }
  let productPort = 0
  const start = (name: ServerName): Promise<ServerProcess> => {
    if (name === 'plain') return startServer(join(servers, 'plain.ts'), {})
    if (name === 'stock' || name === 'stock-prepared') {
      const PREPARED = name === 'stock' ? '0' : '1'
      return startServer(join(servers, 'stock.ts'), { DATABASE_URL: urls.product, PREPARED })
    }
    const env: Record<string, string> = {
      DATABASE_URL: urls[name],
      HEALTH_DETAILS: 'always',
      REQUIRE_SESSION: 'false',
    }
    if (name === 'cart') env.PRODUCT_URL = `http://127.0.0.1:${productPort}`
    return startServer(join(root, `services/${name}/src/index.ts`), env)
  }
  const product = stack.use(await start('product'))
  productPort = product.port
  const started = {
    product,
    cart: stack.use(await start('cart')),
    stock: stack.use(await start('stock')),
    'stock-prepared': stack.use(await start('stock-prepared')),
    plain: stack.use(await start('plain')),
  }
  const productId = await create(started.product, '/products', {
    sku: 'TEA-1',
    name: 'Green tea',
    priceMinor: 450,
    currency: 'EUR',
  })
  const cartId = await create(started.cart, '/carts', { currency: 'EUR' })
  await send(started.cart, 'PUT', `/carts/${cartId}/items/${productId}`, { quantity: 2 })
  const owned = stack.move()
  return {
    version: await versionOf(started.product),
    servers: started,
    productId,
    cartId,
    start,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function create(server: ServerProcess, path: string, body: unknown): Promise<string> {
  const { id } = (await send(server, 'POST', path, body)) as { id: string }
  return id
}

async function send({ port }: ServerProcess, method: string, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}.`)
  return await response.json()
}

async function versionOf({ port }: ServerProcess): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/health/detailed`)
  const details = (await response.json()) as { server?: { version?: string } }
  return details.server?.version ?? 'unknown'
}
