import { and, asc, eq, gt, inArray, isNull, lt, ne, sql } from 'drizzle-orm'
import type { ConformanceCase } from '../case.ts'
import { accounts, comments, entries, memberships, people, posts } from '../schema.ts'

export const updateDeleteCases: ConformanceCase[] = [
  {
    name: 'update without returning gives an empty result with its count',
    run: (db) => db.update(accounts).set({ amount: 1 }).where(gt(accounts.amount, 0)),
  },
  {
    name: 'update of no row has count 0',
    run: (db) => db.update(accounts).set({ amount: 1 }).where(eq(accounts.id, 404)),
  },
  {
    name: 'update returning gives whole rows',
    run: (db) =>
      db
        .update(people)
        .set({ age: 37, tags: ['new', ''], profile: { v: 2 } })
        .where(eq(people.id, 1))
        .returning(),
  },
  {
    name: 'update with expressions computes on the server',
    run: (db) =>
      db
        .update(people)
        .set({
          age: sql`${people.age} + ${1}`,
          visits: sql`coalesce(${people.visits}, 0) * 2`,
          name: sql`upper(${people.name})`,
        })
        .returning({ id: people.id, age: people.age, visits: people.visits, name: people.name }),
  },
  {
    name: 'update to null, undefined and empty values tells them apart',
    run: (db) =>
      db
        .update(people)
        .set({ email: null, age: undefined, tags: [], mood: null, profile: {} })
        .where(inArray(people.id, [1, 5]))
        .returning(),
  },
  {
    name: 'update from another table joins it',
    run: (db) =>
      db
        .update(posts)
        .set({ body: sql`${people.name} || ' wrote this'` })
        .from(people)
        .where(and(eq(posts.authorId, people.id), lt(people.age, 40)))
        .returning({ id: posts.id, body: posts.body, author: people.name }),
  },
  {
    name: 'update from with a left join returns nested rows with nulls',
    run: (db) =>
      db
        .update(comments)
        .set({ text: sql`${comments.text} || '!'` })
        .from(posts)
        .leftJoin(people, eq(people.id, posts.authorId))
        .where(and(eq(comments.postId, posts.id), isNull(comments.authorId)))
        .returning(),
  },
  {
    name: 'update of a key is followed by selects',
    run: async (db) => [
      await db.update(accounts).set({ id: 30 }).where(eq(accounts.id, 3)),
      await db.select().from(accounts).orderBy(asc(accounts.id)),
    ],
  },
  {
    name: 'delete without returning gives its count',
    run: (db) => db.delete(comments).where(ne(comments.postId, 4)),
  },
  { name: 'delete of everything gives its count', run: (db) => db.delete(memberships) },
  {
    name: 'delete returning gives whole rows',
    run: (db) => db.delete(comments).where(eq(comments.postId, 4)).returning(),
  },
  {
    name: 'delete returning gives chosen columns',
    run: (db) =>
      db.delete(people).where(eq(people.id, 5)).returning({ gone: people.name, tags: people.tags }),
  },
  {
    name: 'delete cascades and sets null as the schema says',
    run: async (db) => [
      await db.delete(posts).where(eq(posts.id, 1)).returning({ id: posts.id, slug: posts.slug }),
      await db.delete(people).where(eq(people.id, 5)).returning({ id: people.id }),
      await db.select().from(comments).orderBy(asc(comments.id)),
    ],
  },
  {
    name: 'delete of no row returns no row and count 0',
    run: async (db) => [
      await db.delete(accounts).where(eq(accounts.id, 404)).returning(),
      await db.delete(accounts).where(eq(accounts.id, 404)),
    ],
  },
  {
    name: 'a statement after a delete sees it',
    run: async (db) => {
      await db.insert(entries).values({ id: 1, accountId: 1 })
      await db.delete(entries)
      await db.delete(accounts).where(eq(accounts.id, 1))
      return [await db.select().from(accounts).orderBy(asc(accounts.id)), await db.$count(entries)]
    },
  },
]
