import { and, eq, gte, sql } from 'drizzle-orm'
import { DrizzleQueryError } from 'drizzle-orm/errors'
import { Hono } from 'hono'
import { close, db } from './database.ts'
import { orders, products } from './schema.ts'

const app = new Hono()

app.post('/products', async (c) => {
  const [product] = await db
    .insert(products)
    .values(await c.req.json())
    .returning()
  return c.json(product, 201)
})

app.get('/products/:sku', async (c) => {
  const product = await db.query.products.findFirst({
    where: eq(products.sku, c.req.param('sku')),
    with: { orders: { columns: { quantity: true } } },
  })
  return product ? c.json(product) : c.notFound()
})

app.post('/products/:sku/orders', async (c) => {
  const { quantity } = await c.req.json()
  const order = await db.transaction(async (tx) => {
    const [product] = await tx
      .update(products)
      .set({ stock: sql`${products.stock} - ${quantity}` })
      .where(and(eq(products.sku, c.req.param('sku')), gte(products.stock, quantity)))
      .returning()
    if (!product) return null
    const [placed] = await tx.insert(orders).values({ productId: product.id, quantity }).returning()
    return placed
  })
  return order ? c.json({ quantity: order.quantity }, 201) : c.json({ error: 'not enough' }, 409)
})

app.onError((error, c) => {
  const cause = error instanceof DrizzleQueryError ? (error.cause as { code?: string }) : null
  return cause?.code === '23505' ? c.json({ error: 'taken' }, 409) : c.json({ error: 'failed' }, 500)
})

const server = Bun.serve({ port: Number(process.env.PORT ?? 3_000), fetch: app.fetch })
console.log(server.port)
process.on('SIGTERM', async () => {
  await server.stop()
  await close()
})
