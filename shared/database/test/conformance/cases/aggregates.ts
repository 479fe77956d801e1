import {
  asc,
  avg,
  avgDistinct,
  count,
  countDistinct,
  desc,
  eq,
  gte,
  max,
  min,
  sql,
  sum,
  sumDistinct,
} from 'drizzle-orm'
import type { ConformanceCase } from '../case.ts'
import { comments, people, posts } from '../schema.ts'

const ids = { id: people.id }

export const aggregateCases: ConformanceCase[] = [
  {
    name: 'aggregates of numbers come back as Drizzle maps them',
    run: (db) =>
      db
        .select({
          all: count(),
          ages: count(people.age),
          kinds: countDistinct(people.mood),
          mean: avg(people.age),
          meanDistinct: avgDistinct(people.age),
          total: sum(people.visits),
          totalDistinct: sumDistinct(people.age),
          oldest: max(people.age),
          first: min(people.name),
          latest: max(people.createdAt),
          balance: sum(people.balance),
        })
        .from(people),
  },
  {
    name: 'aggregates over no rows give null and 0',
    run: (db) =>
      db
        .select({ n: count(), mean: avg(people.age), oldest: max(people.age), at: max(people.createdAt) })
        .from(people)
        .where(sql`false`),
  },
  {
    name: 'group by and having give the groups',
    run: (db) =>
      db
        .select({
          mood: people.mood,
          n: count(),
          names: sql<string[]>`array_agg(${people.name} order by ${people.id})`,
        })
        .from(people)
        .groupBy(people.mood)
        .having(({ n }) => gte(n, 1))
        .orderBy(asc(people.mood)),
  },
  {
    name: 'select distinct and distinct on drop duplicates',
    run: async (db) => [
      await db.selectDistinct({ age: people.age }).from(people).orderBy(people.age),
      await db
        .selectDistinctOn([comments.postId], { postId: comments.postId, text: comments.text })
        .from(comments)
        .orderBy(comments.postId, desc(comments.id)),
    ],
  },
  {
    name: 'count of a table, of a filter and inside a selection agree',
    run: async (db) => [
      await db.$count(people),
      await db.$count(people, eq(people.mood, 'happy')),
      await db
        .select({ id: people.id, posts: db.$count(posts, eq(posts.authorId, people.id)) })
        .from(people)
        .orderBy(people.id),
    ],
  },
  {
    name: 'row locks are taken with every strength and option',
    run: (db) =>
      db.transaction(async (tx) => [
        await tx.select(ids).from(people).where(eq(people.id, 1)).for('update', { skipLocked: true }),
        await tx.select(ids).from(people).where(eq(people.id, 2)).for('no key update', { noWait: true }),
        await tx.select(ids).from(people).where(eq(people.id, 4)).for('share', { of: people }),
        await tx.select(ids).from(people).where(eq(people.id, 5)).for('key share'),
      ]),
  },
  {
    name: 'mapWith and custom expressions convert alike',
    run: (db) =>
      db
        .select({
          number: sql`count(*)`.mapWith(Number),
          bigint: sql`max(${people.visits})`.mapWith(BigInt as (value: unknown) => bigint),
          date: sql`max(${people.createdAt})`.mapWith(people.createdAt),
          plainDate: sql`max(${people.createdAt})`,
          text: sql<string>`string_agg(${people.name}, ', ' order by ${people.id})`,
          nothing: sql`null`.mapWith(Number),
        })
        .from(people),
  },
]
