import { relations } from 'drizzle-orm'
import { integer, jsonb, pgTable, serial, text, timestamp, uuid } from 'drizzle-orm/pg-core'

export const products = pgTable('products', {
  id: uuid().primaryKey().defaultRandom(),
  sku: text().notNull().unique(),
  stock: integer().notNull(),
  tags: text().array().notNull().default([]),
  details: jsonb().$type<{ colour?: string }>().notNull().default({}),
})

export const orders = pgTable('orders', {
  id: serial().primaryKey(),
  productId: uuid('product_id')
    .notNull()
    .references(() => products.id),
  quantity: integer().notNull(),
  at: timestamp({ withTimezone: true }).notNull().defaultNow(),
})

export const productRelations = relations(products, ({ many }) => ({ orders: many(orders) }))
export const orderRelations = relations(orders, ({ one }) => ({
  product: one(products, { fields: [orders.productId], references: [products.id] }),
}))
