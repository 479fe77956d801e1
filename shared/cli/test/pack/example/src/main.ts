import { createDatabase } from '@shared/database'
import { createMonitor } from '@shared/monitor'
import { eq, sql } from 'drizzle-orm'
import * as schema from './schema.ts'

const { books } = schema
const database = createDatabase({ name: 'example', url: process.env.DATABASE_URL ?? '', schema })
await database.db.execute(
  sql`create table books (id integer primary key generated always as identity, title text not null)`,
)
await database.transaction(async (tx) => {
  await tx.insert(books).values([{ title: 'Peopleware' }, { title: 'Refactoring' }])
})
const found = await database.db.select().from(books).where(eq(books.title, 'Refactoring'))
const first = await database.db.query.books.findFirst({ columns: { title: true } })
const { status } = await createMonitor(database).health.check()
await database.db.execute(sql`drop table books`)
await database.close()
console.log(JSON.stringify({ found, first, status }))
