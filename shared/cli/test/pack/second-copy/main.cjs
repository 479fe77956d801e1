// CommonJS: its drizzle-orm is another copy than the one of the layer, which is a module; a second version is beside both.
const { createDatabase } = require('@shared/database')
const { eq, sql } = require('drizzle-orm')
const { integer, pgTable, text } = require('drizzle-orm/pg-core')
const second = require('drizzle-orm-1/pg-core')

const columns = ({ integer, text }) => ({
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  title: text('title').notNull(),
})
const books = pgTable('second_copy', columns({ integer, text }))
const titles = second.pgTable('second_copy', columns(second))

async function main() {
  const database = createDatabase({ name: 'second-copy', url: process.env.DATABASE_URL, schema: { books } })
  const { db } = database
  await db.execute(
    sql`create table second_copy (id integer primary key generated always as identity, title text not null)`,
  )
  const inserted = await db.insert(books).values({ title: 'Peopleware' }).returning()
  await database.transaction(async (tx) => {
    await tx.update(books).set({ title: 'Refactoring' }).where(eq(books.title, 'Peopleware'))
  })
  const found = await db.select().from(books).where(eq(books.id, 1))
  const first = await db.query.books.findFirst()
  await db.execute(sql`drop table second_copy`)
  await database.close()
  console.log(JSON.stringify({ inserted, found, first, second: Object.keys(titles).includes('title') }))
}

main()
