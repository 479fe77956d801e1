import { cartItems, carts } from '@schema/cart'
import { conflict, notFound, validate } from '@shared/service'
import { and, eq, sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { z } from 'zod'
import type { CartDb } from '../app.ts'

type Transaction = Parameters<Parameters<CartDb['transaction']>[0]>[0]

const address = z.strictObject({ id: z.uuid(), productId: z.uuid() })
// The bounds keep the sum of a cart with a thousand products an integer that JavaScript holds exactly.
const content = z.strictObject({
  quantity: z.int().min(1).max(1000),
  unitPriceMinor: z.int().min(0).max(1_000_000_000),
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as EUR'),
})

/** `PUT /:id/items/:productId` puts a product in a cart or replaces what was there; `DELETE` takes it out. */
export function itemRoutes(db: CartDb) {
  return new Hono()
    .put('/:id/items/:productId', validate('param', address), validate('json', content), async (c) => {
      const { id, productId } = c.req.valid('param')
      const { quantity, unitPriceMinor, currency } = c.req.valid('json')
      const item = await db.transaction(async (tx) => {
        const cart = await touchCart(tx, id)
        if (cart.currency !== currency) {
          throw conflict('currency-mismatch', `This cart is in ${cart.currency}.`)
        }
        const [row] = await tx
          .insert(cartItems)
          .values({ cartId: id, productId, quantity, unitPriceMinor })
          .onConflictDoUpdate({
            target: [cartItems.cartId, cartItems.productId],
            set: { quantity, unitPriceMinor },
          })
          .returning()
        return row
      })
      return c.json({ ...item, currency })
    })
    .delete('/:id/items/:productId', validate('param', address), async (c) => {
      const { id, productId } = c.req.valid('param')
      await db.transaction(async (tx) => {
        await touchCart(tx, id)
        const removed = await tx
          .delete(cartItems)
          .where(and(eq(cartItems.cartId, id), eq(cartItems.productId, productId)))
          .returning({ productId: cartItems.productId })
        if (removed.length === 0) throw notFound('item')
      })
      return c.body(null, 204)
    })
}

/** Marks a cart as changed; its row lock makes changes of one cart take turns. */
async function touchCart(tx: Transaction, id: string) {
  const [cart] = await tx.update(carts).set({ updatedAt: sql`now()` }).where(eq(carts.id, id)).returning()
  if (cart === undefined) throw notFound('cart')
  return cart
}
