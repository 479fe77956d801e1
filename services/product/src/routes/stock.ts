import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { idempotencyKeys, stock } from '@schema/product'
import {
  conflict,
  createIdempotency,
  etagHeader,
  etagOf,
  idempotencyHeaders,
  ifMatchHeaders,
  keyReused,
  notFound,
  preconditionFailed,
  problems,
  type requireSession,
  sessionUnavailable,
  wantedVersions,
} from '@shared/service'
import { eq, sql } from 'drizzle-orm'
import type { ProductDatabase } from '../database.ts'
import { byId, exampleProduct } from './products.ts'

const largestQuantity = 2_147_483_647

const changeStock = createRoute({
  method: 'post',
  path: '/{id}/stock',
  tags: ['products'],
  summary: "Add to a product's stock, or take from it; it never falls below zero",
  request: {
    params: byId,
    headers: idempotencyHeaders.extend(ifMatchHeaders.shape),
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
      headers: etagHeader,
      content: {
        'application/json': {
          schema: z.object({ productId: z.uuid(), quantity: z.int() }),
          example: { productId: exampleProduct.id, quantity: 12 },
        },
      },
    },
    ...problems({
      404: ['product-not-found'],
      409: ['insufficient-stock', 'stock-limit'],
      412: ['precondition-failed'],
      422: [keyReused],
      401: ['unauthorized'],
      503: [sessionUnavailable, 'database-unavailable', 'database-busy', 'request-timeout'],
    }),
  },
})

/** Changes how many of a product there are. */
export function stockRoutes(
  { transaction }: Pick<ProductDatabase, 'transaction'>,
  guard: ReturnType<typeof requireSession>,
) {
  const once = createIdempotency({ transaction, keys: idempotencyKeys })

  return new OpenAPIHono().openapi({ ...changeStock, ...guard }, async (c) => {
    const { id } = c.req.valid('param')
    const { delta } = c.req.valid('json')
    const wanted = wantedVersions(c)
    const { version, ...changed } = await once(c, async (tx) => {
      // The lock makes changes of one product take turns, so that none is judged by an old quantity.
      const [row] = await tx.select().from(stock).where(eq(stock.productId, id)).for('update')
      if (row === undefined) throw notFound('product')
      if (wanted?.includes(row.version) === false) throw preconditionFailed()
      const next = row.quantity + delta
      if (next < 0) throw conflict('insufficient-stock', `Only ${row.quantity} left.`)
      if (next > largestQuantity) throw conflict('stock-limit', `At most ${largestQuantity} fit.`)
      const version = crypto.randomUUID()
      await tx
        .update(stock)
        .set({ quantity: next, version, updatedAt: sql`now()` })
        .where(eq(stock.productId, id))
      return { productId: id, quantity: next, version }
    })
    return c.json(changed, 200, { ETag: etagOf(version) })
  })
}
