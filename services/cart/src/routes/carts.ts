import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { cartItems, carts, idempotencyKeys } from '@schema/cart'
import {
  conditionalGet,
  createIdempotency,
  etagHeader,
  etagOf,
  idempotencyHeaders,
  ifNoneMatchHeaders,
  keyReused,
  notFound,
  notModified,
  problems,
  type requireSession,
  type SessionVariables,
  sessionUnavailable,
} from '@shared/service'
import { asc, eq, sql } from 'drizzle-orm'
import type { CartDatabase } from '../database.ts'
import { isOwnedBy, ownerOf } from '../ownership.ts'
import { exampleItem, itemSchema } from './items.ts'

/** The cart that the API's document shows. */
export const exampleCart = {
  id: '018f4b7e-2c52-7c7e-9d0c-3b8a5e4d2f10',
  userId: null,
  currency: 'EUR',
  createdAt: '2026-01-31T12:00:00.000Z',
  updatedAt: '2026-01-31T12:05:00.000Z',
}

const defaultCurrency = 'EUR'
const currency = z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as EUR')
const moment = z.iso.datetime()
const cart = z
  .object({
    id: z.uuid(),
    userId: z.uuid().nullable(),
    currency,
    createdAt: moment,
    updatedAt: moment,
    items: z.array(itemSchema),
    totalMinor: z.int().meta({ description: 'What the items cost together, in cents.' }),
  })
  .meta({ id: 'Cart' })
const tags = ['carts']
const unavailable = [sessionUnavailable, 'database-unavailable', 'database-busy', 'request-timeout']

const openCart = createRoute({
  method: 'post',
  path: '/',
  tags,
  summary: 'Open an empty cart, also without a body',
  request: {
    headers: idempotencyHeaders,
    body: {
      required: false,
      content: {
        'application/json': {
          schema: z.strictObject({
            userId: z.uuid().optional(),
            currency: currency.default(defaultCurrency),
          }),
          example: { currency: 'EUR' },
        },
      },
    },
  },
  responses: {
    201: {
      description: 'The cart.',
      headers: {
        Location: { required: true, schema: { type: 'string' }, description: 'Where it is.' },
        ...etagHeader,
      },
      content: {
        'application/json': { schema: cart, example: { ...exampleCart, items: [], totalMinor: 0 } },
      },
    },
    ...problems({ 401: ['unauthorized'], 403: ['forbidden'], 422: [keyReused], 503: unavailable }),
  },
})

const readCart = createRoute({
  method: 'get',
  path: '/{id}',
  tags,
  summary: 'Read a cart with its items and their sum',
  request: {
    params: z.strictObject({ id: z.uuid().meta({ example: exampleCart.id }) }),
    headers: ifNoneMatchHeaders,
  },
  responses: {
    ...notModified,
    200: {
      headers: etagHeader,
      description: 'The cart, its items in the order they were added.',
      content: {
        'application/json': {
          schema: cart,
          example: { ...exampleCart, items: [exampleItem], totalMinor: 900 },
        },
      },
    },
    ...problems({ 401: ['unauthorized'], 404: ['cart-not-found'], 503: unavailable }),
  },
})

/** Opens carts, and reads them with their items and their sum. */
export function cartRoutes(
  { reads, transaction }: Pick<CartDatabase, 'reads' | 'transaction'>,
  guard: ReturnType<typeof requireSession>,
) {
  const once = createIdempotency({ transaction, keys: idempotencyKeys })

  // Built once: writing this query takes Drizzle longer than all else that the route does.
  const cartById = reads.query.carts
    .findFirst({
      where: eq(carts.id, sql.placeholder('id')),
      with: {
        items: { columns: { cartId: false }, orderBy: [asc(cartItems.addedAt), asc(cartItems.productId)] },
      },
    })
    .prepare('cart_by_id')

  return new OpenAPIHono<{ Variables: SessionVariables }>()
    .openapi({ ...openCart, ...guard }, async (c) => {
      // Without a body nothing was there to be given defaults.
      const { userId: asked, currency = defaultCurrency } = c.req.valid('json')
      const userId = ownerOf(asked, c.get('userId'))
      const { version, ...opened } = await once(c, async (tx) => {
        const [cart] = await tx.insert(carts).values({ userId, currency }).returning()
        if (cart === undefined) throw new Error('the database returned no cart')
        return { ...cart, items: [], totalMinor: 0 }
      })
      return c.json(opened, 201, {
        Location: `/carts/${opened.id}`,
        ETag: etagOf(version),
      })
    })
    .openapi({ ...readCart, ...guard, middleware: [...guard.middleware, conditionalGet()] }, async (c) => {
      const { id } = c.req.valid('param')
      const found = await cartById.execute({ id })
      if (found === undefined || !isOwnedBy(found, c.get('userId'))) throw notFound('cart')
      const { version, ...cart } = found
      const totalMinor = found.items.reduce((sum, item) => sum + item.quantity * item.unitPriceMinor, 0)
      return c.json({ ...cart, totalMinor }, 200, { ETag: etagOf(version) })
    })
}
