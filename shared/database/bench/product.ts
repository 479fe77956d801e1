import { integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import postgres from 'postgres'

/** How many rows there are to select from. */
export const productCount = 10_000

export const products = pgTable('product', {
  id: integer().primaryKey(),
  sku: text().notNull(),
  name: text().notNull(),
  priceMinor: integer('price_minor').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
})

export const orders = pgTable('orders', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  productId: integer('product_id').notNull(),
  quantity: integer().notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
})

/** Makes both tables and the products; `url` is the owner's. */
export async function createTables(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    await sql.unsafe(`
      create table product (
        id integer primary key, sku text not null, name text not null, price_minor integer not null,
        created_at timestamptz not null default now());
      create table orders (
        id integer primary key generated always as identity, product_id integer not null, quantity integer not null,
        created_at timestamptz not null default now());
      create table bench_copied (n integer not null, name text not null);
      insert into product (id, sku, name, price_minor)
        select n, 'SKU-' || n, 'Product number ' || n, n % 5000 from generate_series(1, ${productCount}) n;
      analyze product`)
    await sql.unsafe('vacuum product')
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** The product that the n-th call reads: all of them, in no order that a cache would like. */
export const productOf = (n: number): number => 1 + ((n * 7919) % productCount)
