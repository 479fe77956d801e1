import { eq, sql } from 'drizzle-orm'
import type { ConformanceCase } from '../case.ts'
import { people } from '../schema.ts'
import { relationalCase } from './model.ts'

export const relationalCases: ConformanceCase[] = [
  relationalCase('findMany gives whole rows', (db) => db.query.people.findMany({ orderBy: { id: 'asc' } })),
  relationalCase('findFirst gives one row', (db) =>
    db.query.people.findFirst({ orderBy: (t, { desc }) => desc(t.id) }),
  ),
  relationalCase('findFirst of nothing gives undefined', async (db) => [
    await db.query.people.findFirst({ where: { id: 404 } }),
    await db.query.groups.findFirst(),
  ]),
  relationalCase('findMany of nothing gives an empty array', async (db) => [
    await db.query.people.findMany({ where: { id: 404 } }),
    await db.$count(people),
  ]),
  relationalCase('with one and many nests related rows', (db) =>
    db.query.posts.findMany({
      with: { author: true, comments: { orderBy: { id: 'asc' } } },
      orderBy: { id: 'asc' },
    }),
  ),
  relationalCase('with a missing one gives null and with no many an empty array', (db) =>
    db.query.people.findMany({
      columns: { id: true },
      with: { manager: true, posts: true },
      orderBy: { id: 'asc' },
    }),
  ),
  relationalCase('deeply nested relations keep types of every level', (db) =>
    db.query.people.findMany({
      orderBy: { id: 'asc' },
      with: {
        posts: {
          orderBy: { id: 'asc' },
          with: { comments: { orderBy: { id: 'asc' }, with: { author: { with: { manager: true } } } } },
        },
      },
    }),
  ),
  relationalCase('dates, bigints, numerics, arrays and documents survive nesting', (db) =>
    db.query.comments.findMany({
      with: { author: true, post: { columns: { likes: true, publishedOn: true } } },
      orderBy: { id: 'asc' },
    }),
  ),
  relationalCase('columns are included and left out', async (db) => [
    await db.query.people.findMany({ columns: { name: true, age: true }, orderBy: { id: 'asc' } }),
    await db.query.people.findMany({ columns: { profile: false, visits: false }, orderBy: { id: 'asc' } }),
    await db.query.people.findMany({
      columns: {},
      with: { posts: { columns: { title: true } } },
      orderBy: { id: 'asc' },
    }),
  ]),
  relationalCase('extras compute alike', (db) =>
    db.query.people.findMany({
      columns: { id: true },
      extras: {
        upper: (t) => sql<string>`upper(${t.name})`,
        next: (t) => sql<number>`${t.age} + 1`,
      },
      with: { posts: { columns: { id: true }, extras: { length: sql<number>`length(title)` } } },
      orderBy: { id: 'asc' },
    }),
  ),
  relationalCase('where, limit and offset apply to every level', (db) =>
    db.query.posts.findMany({
      where: { likes: { gte: 3 } },
      orderBy: { likes: 'desc', id: 'desc' },
      limit: 2,
      offset: 1,
      with: { comments: { where: { text: { like: '%o%' } }, orderBy: { id: 'desc' }, limit: 1 } },
    }),
  ),
  relationalCase('conditions on related rows, alternatives and raw SQL filter alike', async (db) => [
    await db.query.people.findMany({
      columns: { id: true },
      where: { posts: { likes: { gt: 5 } } },
      orderBy: { id: 'asc' },
    }),
    await db.query.people.findMany({
      columns: { id: true },
      where: { OR: [{ age: { isNull: true } }, { NOT: { mood: 'happy' } }] },
      orderBy: { id: 'asc' },
    }),
    await db.query.people.findMany({
      columns: { id: true },
      where: { RAW: (t) => sql`${t.name} like ${'%a'}` },
      orderBy: { id: 'asc' },
    }),
  ]),
  relationalCase('many to many goes through its table', async (db) => [
    await db.query.groups.findMany({
      with: {
        memberships: {
          columns: { role: true },
          with: { person: { columns: { name: true } } },
          orderBy: { personId: 'asc' },
        },
      },
      orderBy: { id: 'asc' },
    }),
    await db.query.people.findMany({
      columns: { name: true },
      with: { groups: { orderBy: { id: 'asc' } } },
      orderBy: { id: 'asc' },
    }),
  ]),
  relationalCase('a relational query takes placeholders', async (db) => {
    const query = db.query.people
      .findMany({
        where: { age: { gt: sql.placeholder('age') } },
        limit: sql.placeholder('limit'),
        offset: sql.placeholder('offset'),
        orderBy: { id: 'asc' },
        with: { posts: { where: { likes: { gte: sql.placeholder('likes') } } } },
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
        where: { id: 1 },
        with: { reports: { columns: { name: true } } },
      })
    }),
  ),
  relationalCase('concurrent relational queries keep to their own results', (db) =>
    Promise.all(
      [5, 1, 4, 2, 3].map((id) =>
        db.query.people.findFirst({
          columns: { id: true, name: true },
          where: { id },
          with: { posts: true },
        }),
      ),
    ),
  ),
]
