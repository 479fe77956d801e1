import { eq, gt, sql } from 'drizzle-orm'
import type { ConformanceCase } from '../case.ts'
import { accounts, groups, people, posts } from '../schema.ts'

export const preparedCases: ConformanceCase[] = [
  {
    name: 'a prepared select without placeholders runs many times',
    run: async (db) => {
      const query = db
        .select({ id: people.id, name: people.name })
        .from(people)
        .orderBy(people.id)
        .prepare('people')
      return [await query.execute(), await query.execute(), await query.execute(), query.getQuery()]
    },
  },
  {
    name: 'a prepared select takes other values each time',
    run: async (db) => {
      const query = db
        .select({ id: people.id })
        .from(people)
        .where(eq(people.name, sql.placeholder('name')))
        .prepare('by_name')
      return [
        await query.execute({ name: 'Ada' }),
        await query.execute({ name: 'Grace' }),
        await query.execute({ name: '' }),
        await query.execute({ name: 'Ada' }),
      ]
    },
  },
  {
    name: 'a prepared statement sees rows that changed between its runs',
    run: async (db) => {
      const query = db.select().from(accounts).orderBy(accounts.id).prepare('accounts')
      const before = await query.execute()
      await db.update(accounts).set({ amount: 7 })
      return [before, await query.execute()]
    },
  },
  {
    name: 'two statements prepared under one name stay apart',
    run: async (db) => {
      const first = db
        .select({ id: people.id })
        .from(people)
        .where(eq(people.id, sql.placeholder('id')))
        .prepare('same')
      const second = db
        .select({ title: posts.title })
        .from(posts)
        .where(eq(posts.id, sql.placeholder('id')))
        .prepare('same')
      return [
        await first.execute({ id: 1 }),
        await second.execute({ id: 1 }),
        await first.execute({ id: 2 }),
        await second.execute({ id: 2 }),
      ]
    },
  },
  {
    name: 'the same statement prepared twice under two names stays correct',
    run: async (db) => {
      const build = (name: string) =>
        db
          .select({ id: people.id })
          .from(people)
          .where(gt(people.age, sql.placeholder('age')))
          .orderBy(people.id)
          .prepare(name)
      return [
        await build('one').execute({ age: 40 }),
        await build('two').execute({ age: 80 }),
        await build('one').execute({ age: 80 }),
      ]
    },
  },
  {
    name: 'names that SQL would have to quote are fine',
    run: (db) =>
      Promise.all(
        ['', 'with space', 'quo"te', "it's", 'x'.repeat(200), 'ü'].map((name) =>
          db.select({ id: groups.id }).from(groups).orderBy(groups.id).prepare(name).execute(),
        ),
      ),
  },
  {
    name: 'a prepared insert and update take placeholders',
    run: async (db) => {
      const insert = db
        .insert(accounts)
        .values({ id: sql.placeholder('id'), owner: sql.placeholder('owner'), amount: 5 })
        .returning()
        .prepare('insert')
      const update = db
        .update(accounts)
        .set({ owner: sql`${sql.placeholder('owner')}` })
        .where(eq(accounts.id, sql.placeholder('id')))
        .prepare('update')
      return [
        await insert.execute({ id: 50, owner: 'fifty' }),
        await insert.execute({ id: 51, owner: '' }),
        await update.execute({ id: 50, owner: 'changed' }),
        await db.select().from(accounts).orderBy(accounts.id),
      ]
    },
  },
  {
    name: 'a prepared delete returns what it removed',
    run: async (db) => {
      const remove = db
        .delete(accounts)
        .where(eq(accounts.id, sql.placeholder('id')))
        .returning()
        .prepare('delete')
      return [
        await remove.execute({ id: 1 }),
        await remove.execute({ id: 1 }),
        await remove.execute({ id: 2 }),
      ]
    },
  },
]
