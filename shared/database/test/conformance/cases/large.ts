import { asc, eq, inArray, sql } from 'drizzle-orm'
import { customType, integer, text } from 'drizzle-orm/pg-core'
import { type ConformanceCase, outcome } from '../case.ts'
import { accounts, people, scratch } from '../schema.ts'

const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })
const blobs = scratch.table('blobs', {
  id: integer('id').primaryKey(),
  note: text('note'),
  content: bytea('content'),
})
const createBlobs = 'create table scratch.blobs (id integer primary key, note text, content bytea)'

export const largeCases: ConformanceCase[] = [
  {
    name: 'five megabytes of text are written and read back',
    run: async (db, { ddl }) => {
      await ddl(createBlobs)
      const note = 'ä漢🎉x"\\\n'.repeat(320_000)
      const returned = await db.insert(blobs).values({ id: 1, note }).returning()
      const [read] = await db.select().from(blobs).where(eq(blobs.id, 1))
      return [
        returned,
        read,
        await db.execute(sql`select octet_length(note) as bytes, md5(note) as md5 from scratch.blobs`),
      ]
    },
  },
  {
    name: 'two megabytes of bytes are written and read back',
    run: async (db, { ddl }) => {
      await ddl(createBlobs)
      const content = Uint8Array.from({ length: 2_000_000 }, (_, i) => (i * 31) % 256)
      await db.insert(blobs).values({ id: 1, content })
      return [
        await db.select().from(blobs),
        await db.execute(sql`select length(content) as bytes, md5(content) as md5 from scratch.blobs`),
      ]
    },
  },
  {
    name: 'ten thousand rows arrive in order',
    run: (db) =>
      db.execute(
        sql`select i, 'row ' || i as text, i % 2 = 0 as even from generate_series(1, ${10_000}::int) as i`,
      ),
  },
  {
    name: 'ten thousand rows are mapped by Drizzle',
    run: async (db) => {
      await db.execute(
        sql`insert into accounts select 1000 + i, 'owner ' || i, i from generate_series(1, 10000) as i`,
      )
      return db.select().from(accounts).orderBy(asc(accounts.id))
    },
  },
  {
    name: 'three hundred columns are mapped in order',
    run: (db) =>
      db.execute(
        sql.raw(`select ${Array.from({ length: 300 }, (_, i) => `${i} as "column ${i}"`).join(', ')}`),
      ),
  },
  {
    name: 'five thousand parameters are bound in order',
    run: async (db) => {
      const ids = Array.from({ length: 5_000 }, (_, i) => i)
      return [
        await db.select({ id: people.id }).from(people).where(inArray(people.id, ids)).orderBy(people.id),
        await db.execute(sql`select cardinality(${sql.param(ids)}::int[]) as n`),
      ]
    },
  },
  {
    name: 'a statement of three hundred kilobytes runs',
    run: (db) => db.execute(sql.raw(`select ${'1 + '.repeat(3_000)}1 as sum /* ${'x'.repeat(300_000)} */`)),
  },
  {
    name: 'many small and one large result at once keep apart',
    run: (db) =>
      Promise.all([
        db.execute(sql`select repeat('x', ${1_000_000}::int) as large`),
        ...Array.from({ length: 20 }, (_, n) => db.execute(sql`select ${n}::int as n`)),
        db.execute(sql`select repeat('y', ${1_000_000}::int) as large`),
      ]),
  },
  {
    name: 'six hundred different statements in sequence all answer',
    run: async (db) => {
      const answers = []
      for (let n = 0; n < 600; n++)
        answers.push(...(await db.execute(sql`select ${n}::int as ${sql.identifier(`n${n}`)}`)))
      answers.push(await outcome(db.execute(sql`select ${0}::int as ${sql.identifier('n0')}`)))
      return answers
    },
  },
]
