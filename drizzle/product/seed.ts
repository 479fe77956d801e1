import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { products, stock } from './schema.ts'

const teas = [
  { sku: 'TEA-1', name: 'Green tea', priceMinor: 450, currency: 'EUR' },
  { sku: 'TEA-2', name: 'Black tea', priceMinor: 390, currency: 'EUR' },
  { sku: 'TEA-3', name: 'White tea', priceMinor: 720, currency: 'EUR' },
]

/** Products to work with, twelve of each on the shelf. Can run again: what is there stays. */
export default async function seed(db: PostgresJsDatabase): Promise<void> {
  const made = await db.insert(products).values(teas).onConflictDoNothing().returning({ id: products.id })
  if (made.length > 0) await db.insert(stock).values(made.map(({ id }) => ({ productId: id, quantity: 12 })))
}
