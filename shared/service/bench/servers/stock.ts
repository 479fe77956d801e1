import { zValidator } from '@hono/zod-validator'
import { eq, relations, sql } from 'drizzle-orm'
import { bigint, char, integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { drizzle } from 'drizzle-orm/postgres-js'
import { Hono } from 'hono'
import postgres from 'postgres'
import { z } from 'zod'

const products = pgTable('products', {
  id: uuid('id').primaryKey(),
  sku: text('sku').notNull(),
  name: text('name').notNull(),
  priceMinor: bigint('price_minor', { mode: 'number' }).notNull(),
  currency: char('currency', { length: 3 }).notNull(),
  createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull(),
})
const stock = pgTable('stock', {
  productId: uuid('product_id').primaryKey(),
  quantity: integer('quantity').notNull(),
})
const productsRelations = relations(products, ({ one }) => ({
  stock: one(stock, { fields: [products.id], references: [stock.productId] }),
}))
const byId = z.strictObject({ id: z.uuid() })

/**
 * The product service's `GET /products/:id` on stock Drizzle, and nothing else of a service: no logs, ids, limits or deadlines.
 *
 * @param isPrepared Whether the query is built once with a placeholder, as the service does it, or at each request.
 */
export function createStockApp(url: string, isPrepared: boolean) {
  const db = drizzle(postgres(url, { max: 10 }), { schema: { products, stock, productsRelations } })
  const find = (id: string | ReturnType<typeof sql.placeholder>) =>
    db.query.products.findFirst({
      where: eq(products.id, id),
      with: { stock: { columns: { quantity: true } } },
    })
  const prepared = find(sql.placeholder('id')).prepare('product_by_id')
  return new Hono()
    .get('/readyz', (c) => c.text('ok'))
    .get('/products/:id', zValidator('param', byId), async (c) => {
      const { id } = c.req.valid('param')
      const product = await (isPrepared ? prepared.execute({ id }) : find(id))
      if (product === undefined) return c.notFound()
      return c.json({ ...product, stock: product.stock?.quantity ?? 0 })
    })
}

if (import.meta.main) {
  const { fetch } = createStockApp(process.env.DATABASE_URL ?? '', process.env.PREPARED === '1')
  Bun.serve({ hostname: '127.0.0.1', port: Number(process.env.PORT), fetch })
}
