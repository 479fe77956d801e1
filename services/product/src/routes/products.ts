import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { idempotencyKeys, products, stock } from '@schema/product'
import {
  conditionalGet,
  conflict,
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
  sessionUnavailable,
} from '@shared/service'
import { desc, eq, sql } from 'drizzle-orm'
import type { ProductDatabase } from '../database.ts'
import { cursorField, encodeCursor } from '../page-cursor.ts'

/** The product that the API's document shows. */
export const exampleProduct = {
  id: '018f4b7e-2c52-7c7e-9d0c-9f6f0e1b2c3d',
  sku: 'TEA-1',
  name: 'Green tea',
  priceMinor: 450,
  currency: 'EUR',
  createdAt: '2026-01-31T12:00:00.000Z',
}

const newProduct = z.strictObject({
  sku: z.string().trim().min(1).max(64),
  name: z.string().trim().min(1).max(200),
  priceMinor: z.int().min(0).meta({ description: 'In the smallest unit of the currency: cents.' }),
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code such as EUR'),
})
const product = newProduct.extend({ id: z.uuid(), createdAt: z.iso.datetime() }).meta({ id: 'Product' })
const productWithStock = product.extend({ stock: z.int() }).meta({ id: 'ProductWithStock' })
const page = z.strictObject({
  limit: z
    .string()
    .regex(/^([1-9]\d?|100)$/, 'must be a whole number from 1 to 100, in plain digits')
    .default('20')
    .transform(Number)
    .meta({ description: 'How many at most, 1 to 100.', example: '20' }),
  cursor: cursorField.optional().meta({ description: 'The `nextCursor` of the page before.' }),
})

/** The id of a product in an address. */
export const byId = z.strictObject({ id: z.uuid().meta({ example: exampleProduct.id }) })

const tags = ['products']

const listProducts = createRoute({
  method: 'get',
  path: '/',
  tags,
  summary: 'Page through products, newest first',
  request: { query: page },
  responses: {
    200: {
      description: 'A page; `nextCursor` is null on the last one.',
      content: {
        'application/json': {
          schema: z.object({ items: z.array(product), nextCursor: z.string().nullable() }),
          example: { items: [exampleProduct], nextCursor: null },
        },
      },
    },
  },
})

const readProduct = createRoute({
  method: 'get',
  path: '/{id}',
  tags,
  summary: 'Read a product with its stock',
  request: { params: byId, headers: ifNoneMatchHeaders },
  responses: {
    ...notModified,
    200: {
      description: 'The product.',
      headers: etagHeader,
      content: {
        'application/json': { schema: productWithStock, example: { ...exampleProduct, stock: 7 } },
      },
    },
    ...problems({ 404: ['product-not-found'] }),
  },
})

const addProduct = createRoute({
  method: 'post',
  path: '/',
  tags,
  summary: 'Add a product',
  request: {
    headers: idempotencyHeaders,
    body: {
      required: true,
      content: {
        'application/json': {
          schema: newProduct,
          example: { sku: 'TEA-2', name: 'Black tea', priceMinor: 390, currency: 'EUR' },
        },
      },
    },
  },
  responses: {
    201: {
      description: 'Added, with an empty shelf.',
      headers: {
        Location: { required: true, schema: { type: 'string' }, description: 'Where it is.' },
        ...etagHeader,
      },
      content: {
        'application/json': { schema: productWithStock, example: { ...exampleProduct, stock: 0 } },
      },
    },
    ...problems({
      401: ['unauthorized'],
      409: ['sku-taken'],
      422: [keyReused],
      503: [sessionUnavailable, 'database-unavailable', 'database-busy', 'request-timeout'],
    }),
  },
})

/** Pages through products, newest first, reads one with its stock, and adds one. */
export function productRoutes(
  { reads, transaction }: Pick<ProductDatabase, 'reads' | 'transaction'>,
  guard: ReturnType<typeof requireSession>,
) {
  const once = createIdempotency({ transaction, keys: idempotencyKeys })

  // Built once: writing this query takes Drizzle longer than all else that the route does.
  const productById = reads.query.products
    .findFirst({
      where: eq(products.id, sql.placeholder('id')),
      with: { stock: { columns: { quantity: true, version: true } } },
    })
    .prepare('product_by_id')

  return new OpenAPIHono()
    .openapi(listProducts, async (c) => {
      const { limit, cursor } = c.req.valid('query')
      const position = sql`(${products.createdAt}, ${products.id})`
      const after =
        cursor && sql`${position} < (${cursor.createdAt.toISOString()}::timestamptz, ${cursor.id}::uuid)`
      // One more than asked for tells whether there is a next page.
      const rows = await reads
        .select()
        .from(products)
        .where(after)
        .orderBy(desc(products.createdAt), desc(products.id))
        .limit(limit + 1)
      const items = rows.slice(0, limit)
      const last = items.at(-1)
      return c.json({ items, nextCursor: rows.length > limit && last ? encodeCursor(last) : null }, 200)
    })
    .openapi({ ...readProduct, middleware: [conditionalGet()] as const }, async (c) => {
      const { id } = c.req.valid('param')
      const found = await productById.execute({ id })
      if (found === undefined) throw notFound('product')
      const { quantity = 0, version } = found.stock ?? {}
      if (version !== undefined) c.header('ETag', etagOf(version))
      return c.json({ ...found, stock: quantity }, 200)
    })
    .openapi({ ...addProduct, ...guard }, async (c) => {
      const { product, version } = await once(c, async (tx) => {
        const [created] = await tx
          .insert(products)
          .values(c.req.valid('json'))
          .onConflictDoNothing()
          .returning()
        if (created === undefined) throw conflict('sku-taken', 'A product with this SKU exists already.')
        const [shelf] = await tx.insert(stock).values({ productId: created.id }).returning()
        return { product: { ...created, stock: 0 }, version: shelf?.version ?? '' }
      })
      return c.json(product, 201, { Location: `/products/${product.id}`, ETag: etagOf(version) })
    })
}
