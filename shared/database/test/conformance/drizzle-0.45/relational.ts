import { desc, eq, sql } from 'drizzle-orm'
import type { ConformanceCase } from '../case.ts'
import { people } from '../schema.ts'
import { relationalCase } from './model.ts'

export const relationalCases: ConformanceCase[] = [
  relationalCase('findMany gives whole rows', (db) =>
    db.query.people.findMany({ orderBy: (t, { asc }) => asc(t.id) }),
  ),
  relationalCase('findFirst gives one row', (db) => db.query.people.findFirst({ orderBy: desc(people.id) })),
  relationalCase('findFirst of nothing gives undefined', async (db) => [
    await db.query.people.findFirst({ where: eq(people.id, 404) }),
    await db.query.groups.findFirst(),
  ]),
  relationalCase('findMany of nothing gives an empty array', async (db) => [
    await db.query.people.findMany({ where: eq(people.id, 404) }),
    await db.$count(people),
  ]),
  relationalCase('with one and many nests related rows', (db) =>
    db.query.posts.findMany({
      with: { author: true, comments: { orderBy: (t, { asc }) => asc(t.id) } },
      orderBy: (t, { asc }) => asc(t.id),
    }),
  ),
  relationalCase('with a missing one gives null and with no many an empty array', (db) =>
    db.query.people.findMany({
      columns: { id: true },
      with: { manager: true, posts: true },
      orderBy: (t, { asc }) => asc(t.id),
    }),
  ),
  relationalCase('deeply nested relations keep types of every level', (db) =>
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
  ),
  relationalCase('dates, bigints, numerics, arrays and documents survive nesting', (db) =>
    db.query.comments.findMany({
      with: { author: true, post: { columns: { likes: true, publishedOn: true } } },
      orderBy: (t, { asc }) => asc(t.id),
    }),
  ),
  relationalCase('columns are included and left out', async (db) => [
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
  ]),
  relationalCase('extras compute alike', (db) =>
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
  ),
  relationalCase('where, limit and offset apply to every level', (db) =>
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
  ),
  relationalCase('many to many goes through its table', (db) =>
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
  ),
  relationalCase('a relational query takes placeholders', async (db) => {
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
  }),
  relationalCase('relational queries run inside a transaction and see its writes', (db) =>
    db.transaction(async (tx) => {
      await tx.update(people).set({ name: 'Renamed' }).where(eq(people.id, 1))
      return tx.query.people.findFirst({
        where: eq(people.id, 1),
        with: { reports: { columns: { name: true } } },
      })
    }),
  ),
  relationalCase('concurrent relational queries keep to their own results', (db) =>
    Promise.all(
      [5, 1, 4, 2, 3].map((id) =>
        db.query.people.findFirst({
          columns: { id: true, name: true },
          where: eq(people.id, id),
          with: { posts: true },
        }),
      ),
    ),
  ),
]
