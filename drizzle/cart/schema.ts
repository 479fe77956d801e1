import { relations, sql } from 'drizzle-orm'
import {
  bigint,
  char,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** Shopping carts. `userId` belongs to another service's database: a plain value, no foreign key. */
export const carts = pgTable(
  'carts',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    userId: uuid('user_id'),
    currency: char('currency', { length: 3 }).notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    /** A new one with each change of the cart or its items: never the same for two states, after a failover neither. */
    version: uuid('version').notNull().defaultRandom(),
  },
  (table) => [
    index('carts_user_id_index').on(table.userId),
    check('carts_currency_iso4217', sql`${table.currency} ~ '^[A-Z]{3}$'`),
  ],
)

/**
 * What lies in a cart: a product at most once, at its price when it was put there, in the cart's currency.
 * `productId` belongs to another service's database: a plain value, no foreign key.
 */
export const cartItems = pgTable(
  'cart_items',
  {
    cartId: uuid('cart_id')
      .notNull()
      .references(() => carts.id, { onDelete: 'cascade' }),
    productId: uuid('product_id').notNull(),
    quantity: integer('quantity').notNull(),
    unitPriceMinor: bigint('unit_price_minor', { mode: 'number' }).notNull(),
    addedAt: moment('added_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ name: 'cart_items_cart_product_unique', columns: [table.cartId, table.productId] }),
    check('cart_items_quantity_positive', sql`${table.quantity} > 0`),
    // 2^53 - 1: the largest amount that JavaScript reads back exactly.
    check('cart_items_unit_price_range', sql`${table.unitPriceMinor} between 0 and 9007199254740991`),
  ],
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

/** A cart's items, for relational queries. */
export const cartsRelations = relations(carts, ({ many }) => ({ items: many(cartItems) }))

/** An item's cart, for relational queries. */
export const cartItemsRelations = relations(cartItems, ({ one }) => ({
  cart: one(carts, { fields: [cartItems.cartId], references: [carts.id] }),
}))
