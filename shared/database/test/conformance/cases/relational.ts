import { desc, eq, sql } from 'drizzle-orm'
import type { ConformanceCase } from '../case.ts'
import { people } from '../schema.ts'

export const relationalCases: ConformanceCase[] = [
  {
    name: 'findMany gives whole rows',
    run: (db) => db.query.people.findMany({ orderBy: (t, { asc }) => asc(t.id) }),
  },
  { name: 'findFirst gives one row', run: (db) => db.query.people.findFirst({ orderBy: desc(people.id) }) },
  {
    name: 'findFirst of nothing gives undefined',
    run: async (db) => [
      await db.query.people.findFirst({ where: eq(people.id, 404) }),
      await db.query.groups.findFirst(),
    ],
  },
  {
    name: 'findMany of nothing gives an empty array',
    run: async (db) => [
      await db.query.people.findMany({ where: eq(people.id, 404) }),
      await db.$count(people),
    ],
  },
  {
    name: 'with one and many nests related rows',
    run: (db) =>
      db.query.posts.findMany({
        with: { author: true, comments: { orderBy: (t, { asc }) => asc(t.id) } },
        orderBy: (t, { asc }) => asc(t.id),
      }),
  },
  {
    name: 'with a missing one gives null and with no many an empty array',
    run: (db) =>
      db.query.people.findMany({
        columns: { id: true },
        with: { manager: true, posts: true },
        orderBy: (t, { asc }) => asc(t.id),
      }),
  },
  {
    name: 'deeply nested relations keep types of every level',
    run: (db) =>
      db.query.people.findMany({
        orderBy: (t, { asc }) => asc(t.id),
        with: {
          posts: {
            orderBy: (t, { asc }) => asc(t.id),
            with: {
              comments: { orderBy: (t, { asc }) => asc(t.id), with: { author: { with: { manager: true } } } },
            },
          },
        },
      }),
  },
  {
    name: 'dates, bigints, numerics, arrays and documents survive nesting',
    run: (db) =>
      db.query.comments.findMany({
        with: { author: true, post: { columns: { likes: true, publishedOn: true } } },
        orderBy: (t, { asc }) => asc(t.id),
      }),
  },
  {
    name: 'columns are included and left out',
    run: async (db) => [
      await db.query.people.findMany({
        columns: { name: true, age: true },
        orderBy: (t, { asc }) => asc(t.id),
      }),
      await db.query.people.findMany({
        columns: { profile: false, visits: false },
        orderBy: (t, { asc }) => asc(t.id),
      }),
      await db.query.people.findMany({
        columns: {},
        with: { posts: { columns: { title: true } } },
        orderBy: (t, { asc }) => asc(t.id),
      }),
    ],
  },
  {
    name: 'extras compute alike',
    run: (db) =>
      db.query.people.findMany({
        columns: { id: true },
        extras: (t, { sql }) => ({
          upper: sql<string>`upper(${t.name})`.as('upper'),
          next: sql<number>`${t.age} + 1`.as('next'),
        }),
        with: {
          posts: { columns: { id: true }, extras: { length: sql<number>`length(title)`.as('length') } },
        },
        orderBy: (t, { asc }) => asc(t.id),
      }),
  },
  {
    name: 'where, limit and offset apply to every level',
    run: (db) =>
      db.query.posts.findMany({
        where: (t, { gte }) => gte(t.likes, 3),
        orderBy: (t, { desc }) => [desc(t.likes), desc(t.id)],
        limit: 2,
        offset: 1,
        with: {
          comments: {
            where: (t, { like }) => like(t.text, '%o%'),
            orderBy: (t, { desc }) => desc(t.id),
            limit: 1,
          },
        },
      }),
  },
  {
    name: 'many to many goes through its table',
    run: (db) =>
      db.query.groups.findMany({
        with: {
          memberships: {
            columns: { role: true },
            with: { person: { columns: { name: true } } },
            orderBy: (t, { asc }) => asc(t.personId),
          },
        },
        orderBy: (t, { asc }) => asc(t.id),
      }),
  },
  {
    name: 'a relational query takes placeholders',
    run: async (db) => {
      const query = db.query.people
        .findMany({
          where: (t, { gt }) => gt(t.age, sql.placeholder('age')),
          limit: sql.placeholder('limit'),
          offset: sql.placeholder('offset'),
          orderBy: (t, { asc }) => asc(t.id),
          with: { posts: { where: (t, { gte }) => gte(t.likes, sql.placeholder('likes')) } },
        })
        .prepare('relational')
      return [
        await query.execute({ age: 30, limit: 2, offset: 0, likes: 0 }),
        await query.execute({ age: 50, limit: 5, offset: 1, likes: 4_503_599_627_370_496 }),
      ]
    },
  },
  {
    name: 'relational queries run inside a transaction and see its writes',
    run: (db) =>
      db.transaction(async (tx) => {
        await tx.update(people).set({ name: 'Renamed' }).where(eq(people.id, 1))
        return tx.query.people.findFirst({
          where: eq(people.id, 1),
          with: { reports: { columns: { name: true } } },
        })
      }),
  },
  {
    name: 'concurrent relational queries keep to their own results',
    run: (db) =>
      Promise.all(
        [5, 1, 4, 2, 3].map((id) =>
          db.query.people.findFirst({
            columns: { id: true, name: true },
            where: eq(people.id, id),
            with: { posts: true },
          }),
        ),
      ),
  },
]
