import { eq, sql } from 'drizzle-orm'
import { integer, text } from 'drizzle-orm/pg-core'
import type { Sql } from 'postgres'
import { type ConformanceCase, createGate, failure, type Handle, outcome } from '../case.ts'
import { accounts, comments, entries, groups, people, posts, scratch } from '../schema.ts'

const missing = scratch.table('missing', { id: integer('id'), note: text('note') })

/** A failure and the proof that the handle still answers after it. */
function failing(name: string, work: (db: Handle) => PromiseLike<unknown>): ConformanceCase {
  return {
    name,
    run: async (db) => [await failure(() => work(db)), await db.execute(sql`select ${1}::int as alive`)],
  }
}

export const errorCases: ConformanceCase[] = [
  failing('23505 names the unique constraint, its table and the key', (db) =>
    db.insert(groups).values({ name: 'staff' }),
  ),
  failing('23505 by an update names the constraint', (db) =>
    db.update(people).set({ email: 'ada@example.org' }).where(eq(people.id, 2)),
  ),
  failing('23503 of a missing parent names the constraint', (db) =>
    db.insert(posts).values({ authorId: 404, title: 'x' }).returning(),
  ),
  failing('23503 of a row still referenced names both tables', (db) =>
    db.delete(groups).where(eq(groups.id, 1)),
  ),
  failing('23503 deferred to the end of an autocommit statement', (db) =>
    db.insert(entries).values({ id: 1, accountId: 404 }),
  ),
  failing('23502 names the column', (db) => db.insert(people).values({ name: null as never })),
  failing('23514 names the check', (db) => db.update(accounts).set({ amount: -1 })),
  failing('22001 of a text too long', (db) => db.insert(people).values({ name: 'x', email: 'x'.repeat(41) })),
  failing('42P01 of a missing table gives a position', (db) => db.select().from(missing)),
  failing('42703 of a missing column gives a position and a hint', (db) =>
    db.execute(sql`select emial from people where id = ${1}`),
  ),
  failing('42883 of a missing function gives a hint', (db) =>
    db.execute(sql`select no_such_function(${'x'})`),
  ),
  failing('42883 of an operator for the wrong types', (db) =>
    db.execute(sql`select * from people where tags = ${5}::int`),
  ),
  failing('22P02 of a value that is no number', (db) =>
    db
      .select()
      .from(people)
      .where(eq(people.id, 'abc' as never)),
  ),
  failing('22P02 of a value that is no enum label', (db) =>
    db.insert(people).values({ name: 'x', mood: 'angry' as never }),
  ),
  failing('22003 of a number out of range', (db) =>
    db.insert(accounts).values({ id: 2 ** 31, owner: 'x', amount: 1 }),
  ),
  failing('22003 of a result out of range', (db) => db.execute(sql`select 2147483647 + ${1}::int`)),
  failing('22012 of a division by zero', (db) => db.execute(sql`select 1 / ${0}::int`)),
  failing('22007 of a text that is no date', (db) =>
    db.insert(posts).values({ authorId: 1, title: 'x', publishedOn: 'soon' }),
  ),
  failing('22008 of a date that does not exist', (db) =>
    db.insert(posts).values({ authorId: 1, title: 'x', publishedOn: '2023-02-29' }),
  ),
  failing('22023 of a bad argument', (db) => db.execute(sql`select set_config('work_mem', ${'-5'}, true)`)),
  failing('22021 of a NUL byte in a parameter', (db) => db.insert(groups).values({ name: 'a\0b' })),
  failing('42601 of a syntax error gives its position', (db) => db.execute(sql.raw('selekt 1'))),
  failing('42601 of a syntax error with parameters', (db) => db.execute(sql`select from where ${1}`)),
  failing('42601 of an unterminated string', (db) => db.execute(sql.raw(`select 'open`))),
  failing('42P18 of a parameter whose type nothing tells', (db) => db.execute(sql`do ${'x'}`)),
  failing('42P02 of a parameter that was not given', (db) => db.execute(sql.raw('select $1::int'))),
  failing('08P01 of more parameters than the statement has', (db) => db.execute(sql`select 1 /* ${1} */`)),
  failing('42P07 of a table that exists', (db) => db.execute(sql`create table people (id int)`)),
  failing('42710 of a type that exists', (db) => db.execute(sql`create type mood as enum ('x')`)),
  failing('42804 of a type that does not fit', (db) =>
    db.execute(sql`insert into people (name, age) select ${'x'}, true`),
  ),
  failing('42702 of an ambiguous column', (db) =>
    db.select({ id: sql`id` }).from(posts).innerJoin(people, sql`true`),
  ),
  failing('42803 of a column that is not grouped', (db) =>
    db.select({ id: people.id, n: sql`count(*)` }).from(people),
  ),
  failing('21000 of a scalar subquery with several rows', (db) =>
    db.execute(sql`select (select id from people)`),
  ),
  failing('21000 of a row updated twice by one upsert', (db) =>
    db
      .insert(groups)
      .values([{ name: 'x' }, { name: 'x' }])
      .onConflictDoUpdate({ target: groups.name, set: { name: 'x' } }),
  ),
  failing('42P10 of a conflict target without a constraint', (db) =>
    db.insert(people).values({ name: 'x' }).onConflictDoNothing({ target: people.name }),
  ),
  failing('P0001 raised by the server carries message, detail and hint', (db) =>
    db.execute(
      sql.raw(
        `do $$ begin raise exception 'custom %', 5 using detail = 'the detail', hint = 'the hint', table = 'groups', column = 'name'; end $$`,
      ),
    ),
  ),
  failing('a custom SQLSTATE raised by the server is kept', (db) =>
    db.execute(sql.raw(`do $$ begin raise exception using errcode = 'ZZ999', message = ''; end $$`)),
  ),
  failing('57014 of a statement over its timeout', (db) =>
    db.transaction(async (tx) => {
      await tx.execute(sql`set local statement_timeout = 20`)
      await tx.execute(sql`select pg_sleep(${5})`)
    }),
  ),
  failing('57014 of a query over its timeout without parameters', (db) =>
    db.execute(sql.raw(`set local statement_timeout = 20; select pg_sleep(5)`)),
  ),
  failing('25006 of a write in a read only transaction', (db) =>
    db.transaction((tx) => tx.delete(comments), { accessMode: 'read only' }),
  ),
  failing('25001 of a statement that refuses transactions', (db) =>
    db.transaction((tx) => tx.execute(sql`vacuum groups`)),
  ),
  failing('25P02 of a statement after a failed one', (db) =>
    db.transaction(async (tx) => {
      await outcome(tx.execute(sql`select 1/0`))
      throw await failure(tx.execute(sql`select 1`))
    }),
  ),
  failing('3B001 of a savepoint that does not exist', (db) =>
    db.transaction((tx) => tx.execute(sql`rollback to savepoint nowhere`)),
  ),
  failing('0A000 of something the server does not do', (db) =>
    db.execute(sql`select count(distinct id) over () from people`),
  ),
  failing('3F000 of a schema that does not exist', (db) => db.execute(sql`create table nowhere.t (id int)`)),
  failing('22P05 and 22P02 of documents that are no JSON', (db) =>
    db.execute(sql`select ${'{broken'}::text::jsonb`),
  ),
  failing('2200G-like mismatch of array shapes', (db) => db.execute(sql`select ${'{{1},{2,3}}'}::int[]`)),
  failing('more parameters than the protocol holds are refused', (db) =>
    (db.$client as Sql).unsafe('select 1', Array(65_535).fill('x')),
  ),
  {
    name: '40001 between two repeatable read transactions',
    severalConnections: true,
    run: async (db, { observe }) => [
      await failure(
        db.transaction(
          async (tx) => {
            await tx.select().from(accounts)
            await db.update(accounts).set({ amount: 9 }).where(eq(accounts.id, 1))
            await tx.update(accounts).set({ amount: 8 }).where(eq(accounts.id, 1))
          },
          { isolationLevel: 'repeatable read' },
        ),
      ),
      await observe('select amount from accounts where id = 1'),
    ],
  },
  {
    name: '40001 between two serializable transactions at the commit',
    severalConnections: true,
    run: async (db, { observe }) => {
      const bothRead = createGate()
      let readers = 0
      const move = (from: number, to: number) =>
        db.transaction(
          async (tx) => {
            await tx.execute(sql`select sum(amount) from accounts where owner <> ''`)
            if (++readers === 2) bothRead.open()
            await bothRead.opened
            await tx.insert(accounts).values({ id: 100 + from, owner: `from ${from}`, amount: to })
          },
          { isolationLevel: 'serializable' },
        )
      const outcomes = await Promise.all([outcome(move(1, 2)), outcome(move(2, 1))])
      const codes = outcomes.flatMap((each) => ('error' in each ? [sqlStateOf(each.error)] : []))
      return [codes, await observe('select count(*)::int as n from accounts')]
    },
  },
  {
    name: '55P03 of a row another transaction has locked',
    severalConnections: true,
    run: (db) =>
      db.transaction(async (tx) => {
        await tx.select().from(accounts).where(eq(accounts.id, 1)).for('update')
        return failure(db.select().from(accounts).where(eq(accounts.id, 1)).for('update', { noWait: true }))
      }),
  },
  {
    name: 'the same error twice is two errors with the same content',
    run: async (db) => {
      const first = await failure(db.insert(groups).values({ name: 'staff' }))
      const second = await failure(db.insert(groups).values({ name: 'staff' }))
      return [first === second, first, second]
    },
  },
]

function sqlStateOf(error: unknown): unknown {
  for (let at = error; at instanceof Error; at = at.cause) if ('code' in at) return at.code
  return null
}
