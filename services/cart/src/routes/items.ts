import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { cartItems, carts } from '@schema/cart'
import {
  conflict,
  etagHeader,
  etagOf,
  ifMatchHeaders,
  notFound,
  Problem,
  preconditionFailed,
  problems,
  type requireSession,
  type SessionVariables,
  sessionUnavailable,
  wantedVersions,
} from '@shared/service'
import { and, eq, inArray, sql } from 'drizzle-orm'
import type { RequestIdVariables } from 'hono/request-id'
import type { CartDatabase } from '../database.ts'
import { ownedBy } from '../ownership.ts'
import type { ProductClient } from '../product-client.ts'

type Transaction = Parameters<Parameters<CartDatabase['transaction']>[0]>[0]

/** The item that the API's document shows. */
export const exampleItem = {
  productId: '018f4b7e-2c52-7c7e-9d0c-9f6f0e1b2c3d',
  quantity: 2,
  unitPriceMinor: 450,
  addedAt: '2026-01-31T12:05:00.000Z',
}

// With a quantity of 1000 and a thousand products, the sum of a cart is an integer that JavaScript holds exactly.
const largestPrice = 1_000_000_000

/** An item as a cart has it. */
export const itemSchema = z
  .object({
    productId: z.uuid(),
    quantity: z.int(),
    unitPriceMinor: z.int().meta({ description: 'What it cost when it was put in the cart, in cents.' }),
    addedAt: z.iso.datetime(),
  })
  .meta({ id: 'Item' })

const address = z.strictObject({
  id: z.uuid().meta({ example: '018f4b7e-2c52-7c7e-9d0c-3b8a5e4d2f10' }),
  productId: z.uuid().meta({ example: exampleItem.productId }),
})
const tags = ['carts']

const putItem = createRoute({
  method: 'put',
  path: '/{id}/items/{productId}',
  tags,
  summary: 'Put a product in a cart, at the price it has now, or replace what was there',
  request: {
    params: address,
    headers: ifMatchHeaders,
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({ quantity: z.int().min(1).max(1000) }),
          example: { quantity: 2 },
        },
      },
    },
  },
  responses: {
    200: {
      description:
        'What lies in the cart now, at the price that the product service gives. `ETag` is that of the cart.',
      headers: etagHeader,
      content: {
        'application/json': {
          schema: itemSchema.extend({ cartId: z.uuid(), currency: z.string() }).meta({ id: 'PutItem' }),
          example: { ...exampleItem, cartId: '018f4b7e-2c52-7c7e-9d0c-3b8a5e4d2f10', currency: 'EUR' },
        },
      },
    },
    ...problems({
      401: ['unauthorized'],
      404: ['cart-not-found', 'product-not-found'],
      409: ['currency-mismatch'],
      412: ['precondition-failed'],
      422: ['price-too-high'],
      502: ['product-answer-invalid'],
      503: [
        sessionUnavailable,
        'product-unavailable',
        'product-timeout',
        'database-unavailable',
        'database-busy',
        'request-timeout',
      ],
    }),
  },
})

const removeItem = createRoute({
  method: 'delete',
  path: '/{id}/items/{productId}',
  tags,
  summary: 'Take a product out of a cart',
  request: { params: address, headers: ifMatchHeaders },
  responses: {
    204: { description: 'Taken out. `ETag` is that of the cart.', headers: etagHeader },
    ...problems({
      401: ['unauthorized'],
      404: ['cart-not-found', 'item-not-found'],
      412: ['precondition-failed'],
      503: [sessionUnavailable, 'database-unavailable', 'database-busy', 'request-timeout'],
    }),
  },
})

/** Puts products in a cart, at the price that the product service tells, and takes them out. */
export function itemRoutes(
  { db, transaction }: Pick<CartDatabase, 'db' | 'transaction'>,
  products: ProductClient,
  guard: ReturnType<typeof requireSession>,
) {
  return new OpenAPIHono<{ Variables: RequestIdVariables & SessionVariables }>()
    .openapi({ ...putItem, ...guard }, async (c) => {
      const { id, productId } = c.req.valid('param')
      const { quantity } = c.req.valid('json')
      await requireCart(db, id, c.get('userId'))
      // Before the transaction: no connection is held while another service is waited for.
      const asked = { requestId: c.get('requestId'), signal: c.req.raw.signal }
      const { priceMinor: unitPriceMinor, currency } = await products.read(productId, asked)
      if (unitPriceMinor > largestPrice) throw priceTooHigh()
      const wanted = wantedVersions(c)
      const { item, version } = await transaction(async (tx) => {
        const cart = await touchCart(tx, id, c.get('userId'), wanted)
        if (cart.currency !== currency) {
          throw conflict('currency-mismatch', `This cart is in ${cart.currency}, the product in ${currency}.`)
        }
        const [row] = await tx
          .insert(cartItems)
          .values({ cartId: id, productId, quantity, unitPriceMinor })
          .onConflictDoUpdate({
            target: [cartItems.cartId, cartItems.productId],
            set: { quantity, unitPriceMinor },
          })
          .returning()
        if (row === undefined) throw new Error('the database returned no item')
        return { item: row, version: cart.version }
      })
      return c.json({ ...item, currency }, 200, { ETag: etagOf(version) })
    })
    .openapi({ ...removeItem, ...guard }, async (c) => {
      const { id, productId } = c.req.valid('param')
      const wanted = wantedVersions(c)
      const version = await transaction(async (tx) => {
        const cart = await touchCart(tx, id, c.get('userId'), wanted)
        const removed = await tx
          .delete(cartItems)
          .where(and(eq(cartItems.cartId, id), eq(cartItems.productId, productId)))
          .returning({ productId: cartItems.productId })
        if (removed.length === 0) throw notFound('item')
        return cart.version
      })
      return c.body(null, 204, { ETag: etagOf(version) })
    })
}

/** Nobody else is asked about a cart that does not exist. Not a read for standbys: one may not know yet of a cart just opened. */
async function requireCart(
  db: Pick<Transaction, 'select'>,
  id: string,
  userId: string | undefined,
): Promise<void> {
  const [found] = await db
    .select({ id: carts.id })
    .from(carts)
    .where(and(eq(carts.id, id), ownedBy(userId)))
  if (found === undefined) throw notFound('cart')
}

/** Marks a cart as changed, in one of the wanted versions; its row lock makes changes of one cart take turns. */
async function touchCart(tx: Transaction, id: string, userId: string | undefined, wanted: string[] | null) {
  const [cart] = await tx
    .update(carts)
    .set({ updatedAt: sql`now()`, version: crypto.randomUUID() })
    .where(
      and(eq(carts.id, id), ownedBy(userId), wanted === null ? undefined : inArray(carts.version, wanted)),
    )
    .returning()
  if (cart !== undefined) return cart
  if (wanted !== null) await requireCart(tx, id, userId)
  throw wanted === null ? notFound('cart') : preconditionFailed()
}

function priceTooHigh(): Problem {
  const detail = `A cart holds products of up to ${largestPrice} cents each.`
  return new Problem({ status: 422, code: 'price-too-high', detail })
}
