import { products, stock } from '@schema/product'
import { conflict, notFound, validate } from '@shared/service'
import { desc, eq, sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { z } from 'zod'
import type { ProductDb } from '../app.ts'
import { cursorField, encodeCursor } from '../page-cursor.ts'

const newProduct = z.strictObject({
  sku: z.string().trim().min(1).max(64),
  name: z.string().trim().min(1).max(200),
  priceMinor: z.int().min(0),
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as EUR'),
})
const page = z.strictObject({
  limit: z
    .string()
    .regex(/^([1-9]\d?|100)$/, 'must be a whole number from 1 to 100, in plain digits')
    .transform(Number)
    .default(20),
  cursor: cursorField.optional(),
})
const byId = z.strictObject({ id: z.uuid() })

/** `GET /` pages through products, newest first; `GET /:id` reads one with its stock; `POST /` adds one. */
export function productRoutes(db: ProductDb) {
  return new Hono()
    .get('/', validate('query', page), async (c) => {
      const { limit, cursor } = c.req.valid('query')
      const position = sql`(${products.createdAt}, ${products.id})`
      const after =
        cursor && sql`${position} < (${cursor.createdAt.toISOString()}::timestamptz, ${cursor.id}::uuid)`
      // One more than asked for tells whether there is a next page.
      const rows = await db
        .select()
        .from(products)
        .where(after)
        .orderBy(desc(products.createdAt), desc(products.id))
        .limit(limit + 1)
      const items = rows.slice(0, limit)
      const last = items.at(-1)
      return c.json({ items, nextCursor: rows.length > limit && last ? encodeCursor(last) : null })
    })
    .get('/:id', validate('param', byId), async (c) => {
      const { id } = c.req.valid('param')
      const product = await db.query.products.findFirst({
        where: eq(products.id, id),
        with: { stock: { columns: { quantity: true } } },
      })
      if (product === undefined) throw notFound('product')
      return c.json({ ...product, stock: product.stock?.quantity ?? 0 })
    })
    .post('/', validate('json', newProduct), async (c) => {
      const product = await db.transaction(async (tx) => {
        const [created] = await tx
          .insert(products)
          .values(c.req.valid('json'))
          .onConflictDoNothing()
          .returning()
        if (created === undefined) throw conflict('sku-taken', 'A product with this SKU exists already.')
        await tx.insert(stock).values({ productId: created.id })
        return created
      })
      return c.json({ ...product, stock: 0 }, 201, { Location: `/products/${product.id}` })
    })
}
