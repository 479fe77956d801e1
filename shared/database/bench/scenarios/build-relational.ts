import { eq, relations } from 'drizzle-orm'
import type { DrizzleDatabase } from '../../src/index.ts'
import { orders, productOf, products } from '../product.ts'
import { at, type BuildQuery, product } from './build-query.ts'

const schema = {
  products,
  orders,
  productRelations: relations(products, ({ many }) => ({ orders: many(orders) })),
  orderRelations: relations(orders, ({ one }) => ({
    product: one(products, { fields: [orders.productId], references: [products.id] }),
  })),
}

/** A product with its orders, in the relational queries of drizzle-orm 0.45. */
export const relationalQuery: BuildQuery = {
  model: { schema },
  rows: [[...product, [[1, 1, 1, at]]]],
  ask: (db, n) =>
    (db as unknown as DrizzleDatabase<typeof schema>).query.products.findFirst({
      where: eq(products.id, productOf(n)),
      with: { orders: true },
    }),
}
