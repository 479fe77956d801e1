import { relations, sql } from 'drizzle-orm'
import {
  bigint,
  char,
  check,
  index,
  integer,
  pgTable,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'

/** Milliseconds, like a JavaScript `Date`: a page cursor made from a row finds that row again. */
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** What is for sale. `priceMinor` counts the currency's smallest unit (cents). */
export const products = pgTable(
  'products',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    sku: text('sku').notNull(),
    name: text('name').notNull(),
    priceMinor: bigint('price_minor', { mode: 'number' }).notNull(),
    currency: char('currency', { length: 3 }).notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('products_sku_unique').on(table.sku),
    index('products_created_at_id_index').on(table.createdAt, table.id),
    check('products_sku_length', sql`char_length(${table.sku}) between 1 and 64`),
    check('products_name_length', sql`char_length(${table.name}) between 1 and 200`),
    // 2^53 - 1: the largest amount that JavaScript reads back exactly.
    check('products_price_minor_range', sql`${table.priceMinor} between 0 and 9007199254740991`),
    check('products_currency_iso4217', sql`${table.currency} ~ '^[A-Z]{3}$'`),
  ],
)

/** How many of a product are on the shelf: one row a product, never below zero. */
export const stock = pgTable(
  'stock',
  {
    productId: uuid('product_id')
      .primaryKey()
      .references(() => products.id, { onDelete: 'cascade' }),
    quantity: integer('quantity').notNull().default(0),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    /** A new one with each change: never the same for two states, after a failover neither. */
    version: uuid('version').notNull().defaultRandom(),
  },
  (table) => [check('stock_quantity_not_negative', sql`${table.quantity} >= 0`)],
)

/**
 * Requests that clients may repeat, with the answers they got: see `createIdempotency` of @shared/service. `id` is the digest of client
 * and key, `fingerprint` that of the request. `answer` is null only inside the transaction that writes it.
 */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    id: text('id').primaryKey(),
    fingerprint: text('fingerprint').notNull(),
    answer: text('answer'),
    expiresAt: moment('expires_at').notNull(),
  },
  (table) => [index('idempotency_keys_expires_at_index').on(table.expiresAt)],
)

/** A product's stock, for relational queries. */
export const productsRelations = relations(products, ({ one }) => ({
  stock: one(stock, { fields: [products.id], references: [stock.productId] }),
}))

/** The product a stock row counts, for relational queries. */
export const stockRelations = relations(stock, ({ one }) => ({
  product: one(products, { fields: [stock.productId], references: [products.id] }),
}))
