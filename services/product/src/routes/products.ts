import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { products, stock } from '@schema/product'
import { conflict, notFound, problems } from '@shared/service'
import { desc, eq, sql } from 'drizzle-orm'
import type { ProductDb } from '../database.ts'
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
  request: { params: byId },
  responses: {
    200: {
      description: 'The product.',
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
      headers: { Location: { required: true, schema: { type: 'string' }, description: 'Where it is.' } },
      content: {
        'application/json': { schema: productWithStock, example: { ...exampleProduct, stock: 0 } },
      },
    },
    ...problems({ 409: ['sku-taken'] }),
  },
})

/** Pages through products, newest first, reads one with its stock, and adds one. */
export function productRoutes(db: ProductDb) {
  // Built once: writing this query takes Drizzle longer than all else that the route does.
  const productById = db.query.products
    .findFirst({
      where: eq(products.id, sql.placeholder('id')),
      with: { stock: { columns: { quantity: true } } },
    })
    .prepare('product_by_id')

  return new OpenAPIHono()
    .openapi(listProducts, async (c) => {
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
      return c.json({ items, nextCursor: rows.length > limit && last ? encodeCursor(last) : null }, 200)
    })
    .openapi(readProduct, async (c) => {
      const { id } = c.req.valid('param')
      const found = await productById.execute({ id })
      if (found === undefined) throw notFound('product')
      return c.json({ ...found, stock: found.stock?.quantity ?? 0 }, 200)
    })
    .openapi(addProduct, async (c) => {
      const added = await db.transaction(async (tx) => {
        const [created] = await tx
          .insert(products)
          .values(c.req.valid('json'))
          .onConflictDoNothing()
          .returning()
        if (created === undefined) throw conflict('sku-taken', 'A product with this SKU exists already.')
        await tx.insert(stock).values({ productId: created.id })
        return created
      })
      return c.json({ ...added, stock: 0 }, 201, { Location: `/products/${added.id}` })
    })
}
