import { asc, eq, inArray, sql } from 'drizzle-orm'
import { type ConformanceCase, failure, outcome } from '../case.ts'
import { accounts, groups, people } from '../schema.ts'

export const preparedValueCases: ConformanceCase[] = [
  {
    name: 'placeholders in limit, offset and arrays are bound',
    run: async (db) => {
      const query = db
        .select({ id: people.id })
        .from(people)
        .where(inArray(people.id, [sql.placeholder('a'), sql.placeholder('b'), 3]))
        .orderBy(asc(people.id))
        .limit(sql.placeholder('limit'))
        .offset(sql.placeholder('offset'))
        .prepare('page')
      return [
        await query.execute({ a: 1, b: 2, limit: 2, offset: 0 }),
        await query.execute({ a: 5, b: 4, limit: 9, offset: 1 }),
      ]
    },
  },
  {
    name: 'a placeholder in a condition is mapped, or not, alike',
    run: async (db) => {
      const since = db
        .select({ id: people.id })
        .from(people)
        .where(eq(people.createdAt, sql.placeholder('at')))
        .orderBy(people.id)
        .prepare('since')
      const tagged = db
        .select({ id: people.id })
        .from(people)
        .where(eq(people.tags, sql.placeholder('tags')))
        .prepare('tagged')
      return [
        await outcome(since.execute({ at: new Date('2024-02-29T12:34:56.789Z') })),
        await since.execute({ at: '2024-02-29T12:34:56.789Z' }),
        await tagged.execute({ tags: ['a', 'b', 'c'] }),
      ]
    },
  },
  {
    name: 'a missing placeholder value fails alike',
    run: async (db) => {
      const query = db
        .select({ id: people.id })
        .from(people)
        .where(eq(people.id, sql.placeholder('id')))
        .prepare('missing')
      return [
        await failure(() => query.execute()),
        await failure(() => query.execute({ other: 1 })),
        await query.execute({ id: 1 }),
      ]
    },
  },
  {
    name: 'a prepared statement fails and then works',
    run: async (db) => {
      const query = db
        .select({ quotient: sql<number>`10 / ${sql.placeholder('by')}::int` })
        .from(groups)
        .prepare('divide')
      return [
        await failure(query.execute({ by: 0 })),
        await query.execute({ by: 5 }),
        await failure(query.execute({ by: 'x' })),
        await query.execute({ by: 2 }),
      ]
    },
  },
  {
    name: 'a value of another type after the first run is treated alike',
    run: async (db) => {
      const query = db
        .select({ id: people.id })
        .from(people)
        .where(eq(people.age, sql.placeholder('age')))
        .orderBy(people.id)
        .prepare('typed')
      return Promise.all(
        [36, '36', 36n, 36.5, '', null, true, new Date(0)].map((age) => outcome(query.execute({ age }))),
      )
    },
  },
  {
    name: 'a prepared statement runs inside and outside a transaction',
    run: async (db) => {
      const outside = db.select().from(accounts).orderBy(accounts.id).prepare('everywhere')
      const inside = await db.transaction(async (tx) => {
        await tx.update(accounts).set({ amount: 1 })
        return tx.select().from(accounts).orderBy(accounts.id).prepare('everywhere').execute()
      })
      return [await outside.execute(), inside]
    },
  },
  {
    name: 'a prepared statement runs fifty times at once',
    run: (db) => {
      const query = db
        .select({ twice: sql<number>`${sql.placeholder('n')}::int * 2` })
        .from(groups)
        .limit(1)
        .prepare('twice')
      return Promise.all(Array.from({ length: 50 }, (_, n) => query.execute({ n })))
    },
  },
  {
    name: 'an unprepared builder run many times gives the same as prepared',
    run: async (db) => {
      const ids = [1, 2, 3, 1, 2, 3, 1, 2, 3, 1]
      const rows = []
      for (const id of ids)
        rows.push(await db.select({ name: people.name }).from(people).where(eq(people.id, id)))
      return rows
    },
  },
]
