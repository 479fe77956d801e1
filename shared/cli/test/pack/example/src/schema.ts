import { integer, pgTable, text } from 'drizzle-orm/pg-core'

export const books = pgTable('books', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  title: text('title').notNull(),
})
