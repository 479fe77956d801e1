import { and, asc, count, desc, eq, gt, inArray, sql } from 'drizzle-orm'
import { except, exceptAll, intersect, intersectAll, union, unionAll } from 'drizzle-orm/pg-core'
import { type ConformanceCase, outcome } from '../case.ts'
import { accounts, activeAuthors, comments, groups, people, postCounts, posts } from '../schema.ts'

export const subqueryCases: ConformanceCase[] = [
  {
    name: 'a subquery in from keeps its aliases and types',
    run: (db) => {
      const adults = db
        .select({ id: people.id, born: sql<number>`2024 - ${people.age}`.as('born') })
        .from(people)
        .where(gt(people.age, 18))
        .as('adults')
      return db
        .select({ id: adults.id, born: adults.born })
        .from(adults)
        .orderBy(desc(adults.born), adults.id)
    },
  },
  {
    name: 'a scalar subquery in a selection and an in-subquery in where work',
    run: (db) =>
      db
        .select({
          id: people.id,
          n: sql<number>`(${db.select({ n: count() }).from(posts).where(eq(posts.authorId, people.id))})`.mapWith(
            Number,
          ),
        })
        .from(people)
        .where(inArray(people.id, db.select({ id: posts.authorId }).from(posts)))
        .orderBy(people.id),
  },
  {
    name: 'a common table expression of a select is joined',
    run: (db) => {
      const busy = db.$with('busy').as(
        db
          .select({ authorId: posts.authorId, n: count().as('n') })
          .from(posts)
          .groupBy(posts.authorId),
      )
      return db
        .with(busy)
        .select({ name: people.name, n: busy.n })
        .from(busy)
        .innerJoin(people, eq(people.id, busy.authorId))
        .orderBy(desc(busy.n), people.id)
    },
  },
  {
    name: 'two common table expressions build on each other',
    run: (db) => {
      const first = db
        .$with('first')
        .as(db.select({ id: people.id, age: people.age }).from(people).where(gt(people.age, 30)))
      const second = db
        .$with('second')
        .as(db.select({ oldest: sql<number>`max(${first.age})`.as('oldest') }).from(first))
      return db
        .with(first, second)
        .select({ id: first.id, oldest: second.oldest })
        .from(first)
        .innerJoin(second, eq(first.age, second.oldest))
    },
  },
  {
    name: 'a common table expression of an insert returns its rows',
    run: async (db) => {
      const added = db.$with('added').as(
        db
          .insert(groups)
          .values([{ name: 'x' }, { name: 'y' }])
          .returning(),
      )
      return [await db.with(added).select().from(added).orderBy(asc(added.id)), await db.$count(groups)]
    },
  },
  {
    name: 'a common table expression of an update and one of a delete return their rows',
    run: async (db) => {
      const raised = db.$with('raised').as(
        db
          .update(accounts)
          .set({ amount: sql`${accounts.amount} + 1` })
          .returning(),
      )
      const gone = db
        .$with('gone')
        .as(db.delete(comments).where(eq(comments.postId, 4)).returning({ id: comments.id }))
      return [
        await db.with(raised).select().from(raised).orderBy(raised.id),
        await db.with(gone).select({ n: count() }).from(gone),
      ]
    },
  },
  {
    name: 'update, delete and insert take common table expressions',
    run: async (db) => {
      const rich = db
        .$with('rich')
        .as(db.select({ id: accounts.id }).from(accounts).where(gt(accounts.amount, 60)))
      const select = db.select({ id: rich.id }).from(rich)
      return [
        await db
          .with(rich)
          .update(accounts)
          .set({ owner: 'rich' })
          .where(inArray(accounts.id, select))
          .returning(),
        await db
          .with(rich)
          .delete(accounts)
          .where(inArray(accounts.id, select))
          .returning({ id: accounts.id }),
        await db
          .with(rich)
          .insert(groups)
          .values({ name: sql`(select 'rest ' || count(*) from ${rich})` })
          .returning(),
      ]
    },
  },
  {
    name: 'a recursive query walks the hierarchy',
    run: (db) =>
      db.execute(sql`with recursive chain as (
        select id, manager_id, 0 as depth, array[id] as path from people where manager_id is null and id = ${1}
        union all select p.id, p.manager_id, depth + 1, path || p.id from people p join chain c on p.manager_id = c.id
      ) select * from chain order by path`),
  },
  {
    name: 'set operations combine alike',
    run: async (db) => {
      const names = () => db.select({ name: people.name }).from(people)
      const staff = () => db.select({ name: groups.name }).from(groups)
      const ada = () => db.select({ name: people.name }).from(people).where(eq(people.id, 1))
      return [
        await union(names(), staff()).orderBy(sql`name`),
        await unionAll(ada(), ada(), staff()).orderBy(sql`name`).limit(4),
        await intersect(names(), ada()),
        await intersectAll(names(), ada()),
        await except(names(), ada()).orderBy(sql`name`),
        await exceptAll(unionAll(ada(), ada()), ada()),
        await db
          .select({ name: people.name })
          .from(people)
          .where(eq(people.id, 1))
          .union(staff())
          .orderBy(sql`name`)
          .offset(1),
      ]
    },
  },
  {
    name: 'a view reads like a table',
    run: (db) => db.select().from(activeAuthors).orderBy(activeAuthors.id),
  },
  {
    name: 'a view is joined and filtered',
    run: (db) =>
      db
        .select({ name: activeAuthors.name, title: posts.title })
        .from(activeAuthors)
        .innerJoin(posts, and(eq(posts.authorId, activeAuthors.id), gt(activeAuthors.age, 40)))
        .orderBy(posts.id),
  },
  {
    name: 'a materialized view is stale until refreshed',
    run: async (db) => {
      const read = () => db.select().from(postCounts).orderBy(postCounts.authorId)
      await db.insert(posts).values({ authorId: 3, title: 'new' })
      return [
        await read(),
        await db.refreshMaterializedView(postCounts),
        await read(),
        await outcome(db.refreshMaterializedView(postCounts).concurrently()),
      ]
    },
  },
  {
    name: 'a builder reused and extended gives each its own result',
    run: async (db) => {
      const base = db.select({ id: people.id }).from(people).$dynamic()
      const all = await base.orderBy(people.id)
      return [all, await base.where(gt(people.age, 50)), await base.limit(1)]
    },
  },
]
