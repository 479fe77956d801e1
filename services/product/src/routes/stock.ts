import { stock } from '@schema/product'
import { conflict, notFound, validate } from '@shared/service'
import { eq, sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { z } from 'zod'
import type { ProductDb } from '../app.ts'

const largestQuantity = 2_147_483_647

const byId = z.strictObject({ id: z.uuid() })
const change = z.strictObject({
  delta: z
    .int()
    .min(-largestQuantity)
    .max(largestQuantity)
    .refine((delta) => delta !== 0, 'must not be 0'),
})

/** `POST /:id/stock` adds `delta` to a product's stock, or takes from it; it never falls below zero. */
export function stockRoutes(db: ProductDb) {
  return new Hono().post('/:id/stock', validate('param', byId), validate('json', change), async (c) => {
    const { id } = c.req.valid('param')
    const { delta } = c.req.valid('json')
    const quantity = await db.transaction(async (tx) => {
      // The lock makes changes of one product take turns, so that none is judged by an old quantity.
      const [row] = await tx.select().from(stock).where(eq(stock.productId, id)).for('update')
      if (row === undefined) throw notFound('product')
      const next = row.quantity + delta
      if (next < 0) throw conflict('insufficient-stock', `Only ${row.quantity} left.`)
      if (next > largestQuantity) throw conflict('stock-limit', `At most ${largestQuantity} fit.`)
      await tx.update(stock).set({ quantity: next, updatedAt: sql`now()` }).where(eq(stock.productId, id))
      return next
    })
    return c.json({ productId: id, quantity })
  })
}
