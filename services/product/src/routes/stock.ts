import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { stock } from '@schema/product'
import { conflict, notFound, problems } from '@shared/service'
import { eq, sql } from 'drizzle-orm'
import type { ProductDb } from '../database.ts'
import { byId, exampleProduct } from './products.ts'

const largestQuantity = 2_147_483_647

const changeStock = createRoute({
  method: 'post',
  path: '/{id}/stock',
  tags: ['products'],
  summary: "Add to a product's stock, or take from it; it never falls below zero",
  request: {
    params: byId,
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({
            delta: z
              .int()
              .min(-largestQuantity)
              .max(largestQuantity)
              .refine((delta) => delta !== 0, 'must not be 0'),
          }),
          example: { delta: 5 },
        },
      },
    },
  },
  responses: {
    200: {
      description: 'What is there now.',
      content: {
        'application/json': {
          schema: z.object({ productId: z.uuid(), quantity: z.int() }),
          example: { productId: exampleProduct.id, quantity: 12 },
        },
      },
    },
    ...problems({ 404: ['product-not-found'], 409: ['insufficient-stock', 'stock-limit'] }),
  },
})

/** Changes how many of a product there are. */
export function stockRoutes(db: ProductDb) {
  return new OpenAPIHono().openapi(changeStock, async (c) => {
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
    return c.json({ productId: id, quantity }, 200)
  })
}
