import { cartItems, carts } from '@schema/cart'
import { notFound, validate } from '@shared/service'
import { asc, eq } from 'drizzle-orm'
import { Hono } from 'hono'
import { z } from 'zod'
import type { CartDb } from '../app.ts'

const newCart = z.strictObject({
  userId: z.uuid().optional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as EUR')
    .default('EUR'),
})
const byId = z.strictObject({ id: z.uuid() })

/** `POST /` opens an empty cart, also without a body; `GET /:id` reads it with its items and their sum. */
export function cartRoutes(db: CartDb) {
  return new Hono()
    .post('/', validate('json', newCart), async (c) => {
      const [cart] = await db.insert(carts).values(c.req.valid('json')).returning()
      return c.json({ ...cart, items: [], totalMinor: 0 }, 201, { Location: `/carts/${cart?.id}` })
    })
    .get('/:id', validate('param', byId), async (c) => {
      const { id } = c.req.valid('param')
      const cart = await db.query.carts.findFirst({
        where: eq(carts.id, id),
        with: {
          items: { columns: { cartId: false }, orderBy: [asc(cartItems.addedAt), asc(cartItems.productId)] },
        },
      })
      if (cart === undefined) throw notFound('cart')
      const totalMinor = cart.items.reduce((sum, item) => sum + item.quantity * item.unitPriceMinor, 0)
      return c.json({ ...cart, totalMinor })
    })
}
