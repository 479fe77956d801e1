import {
  and,
  asc,
  between,
  desc,
  eq,
  exists,
  gt,
  gte,
  ilike,
  inArray,
  isNotNull,
  isNull,
  like,
  lte,
  not,
  notBetween,
  notExists,
  notIlike,
  notInArray,
  or,
  sql,
} from 'drizzle-orm'
import type { ConformanceCase } from '../case.ts'
import { people, posts } from '../schema.ts'

const ids = { id: people.id }

export const selectCases: ConformanceCase[] = [
  {
    name: 'select of all columns keeps their order and types',
    run: (db) => db.select().from(people).orderBy(asc(people.id)),
  },
  {
    name: 'select of chosen columns keeps the order of the selection',
    run: (db) =>
      db
        .select({ email: people.email, years: people.age, id: people.id })
        .from(people)
        .orderBy(asc(people.id)),
  },
  {
    name: 'select of nested selections builds nested objects',
    run: (db) =>
      db
        .select({
          id: people.id,
          contact: { email: people.email, name: people.name },
          flags: { active: people.active },
        })
        .from(people)
        .orderBy(asc(people.id)),
  },
  {
    name: 'select of the same column twice under two names works',
    run: (db) =>
      db
        .select({ a: people.id, b: people.id, c: sql`${people.id}`.mapWith(String) })
        .from(people)
        .orderBy(people.id),
  },
  {
    name: 'equal names of raw columns overwrite each other alike',
    run: (db) => db.execute(sql`select 1 as a, 2 as b, 3 as a`),
  },
  {
    name: 'comparison operators filter alike',
    run: async (db) => [
      await db
        .select(ids)
        .from(people)
        .where(and(gte(people.age, 36), lte(people.age, 72), isNotNull(people.email)))
        .orderBy(people.id),
      await db
        .select(ids)
        .from(people)
        .where(or(isNull(people.age), eq(people.mood, 'sad')))
        .orderBy(people.id),
      await db
        .select(ids)
        .from(people)
        .where(between(people.visits, -5n, 9_007_199_254_740_993n))
        .orderBy(people.id),
      await db
        .select(ids)
        .from(people)
        .where(notBetween(people.age, 40, 80))
        .orderBy(people.id),
      await db
        .select(ids)
        .from(people)
        .where(not(eq(people.active, true))),
      await db.select(ids).from(people).where(gt(people.balance, '0.00')).orderBy(people.id),
    ],
  },
  {
    name: 'pattern operators filter alike',
    run: async (db) => [
      await db.select(ids).from(people).where(like(people.name, '%a')).orderBy(people.id),
      await db.select(ids).from(people).where(ilike(people.name, 'łUKASZ%')).orderBy(people.id),
      await db.select(ids).from(people).where(notIlike(people.name, '%A%')).orderBy(people.id),
      await db.select(ids).from(people).where(like(people.name, '%"Q"%')),
    ],
  },
  {
    name: 'in-arrays of many, one and no values filter alike',
    run: async (db) => [
      await db
        .select(ids)
        .from(people)
        .where(inArray(people.id, [1, 3, 404]))
        .orderBy(people.id),
      await db
        .select(ids)
        .from(people)
        .where(inArray(people.name, ['Łukasz "Q" O\'Neil'])),
      await db.select(ids).from(people).where(inArray(people.id, [])),
      await db.select(ids).from(people).where(notInArray(people.id, [])).orderBy(people.id),
      await db
        .select(ids)
        .from(people)
        .where(notInArray(people.id, [1, 2]))
        .orderBy(people.id),
    ],
  },
  {
    name: 'exists and not exists filter alike',
    run: async (db) => {
      const written = db.select().from(posts).where(eq(posts.authorId, people.id))
      return [
        await db.select(ids).from(people).where(exists(written)).orderBy(people.id),
        await db.select(ids).from(people).where(notExists(written)).orderBy(people.id),
      ]
    },
  },
  {
    name: 'order, limit and offset work with nulls first and last',
    run: async (db) => [
      await db.select(ids).from(people).orderBy(sql`${people.age} desc nulls last`, desc(people.id)).limit(3),
      await db
        .select(ids)
        .from(people)
        .orderBy(sql`${people.age} nulls first`, asc(people.id))
        .offset(1)
        .limit(2),
      await db.select(ids).from(people).orderBy(people.id).limit(0),
      await db.select(ids).from(people).orderBy(people.id).offset(100),
    ],
  },
]
