import { eq, sql } from 'drizzle-orm'
import { bigint, integer, text } from 'drizzle-orm/pg-core'
import { type ConformanceCase, failure, type Handle, outcome } from '../case.ts'
import { scratch } from '../schema.ts'

const create = (things: string) =>
  `create table scratch.${things} (id integer primary key, value text); insert into scratch.${things} values (1, '1'), (2, '22')`

/** Asked before and after each change of the table: with and without parameters, prepared, by builder and as `*`. */
async function ask(db: Handle, name: string) {
  const things = scratch.table(name, { id: integer('id').primaryKey(), value: text('value') })
  return [
    await outcome(db.execute(sql`select * from ${things} where id > ${0} order by id`)),
    await outcome(db.execute(sql`select * from ${things} order by id`)),
    await outcome(
      db.execute(sql`select ${things.id} from ${things} where ${things.value} = ${'22'} order by id`),
    ),
    await outcome(db.execute(sql`select id from ${things} where value = ${'x'} order by id`)),
    await outcome(
      db
        .insert(things)
        .values({ id: 100, value: '100' })
        .onConflictDoUpdate({ target: things.id, set: { value: '7' } })
        .returning(),
    ),
    await outcome(db.select().from(things).where(eq(things.id, 1))),
    await outcome(
      db
        .select()
        .from(things)
        .where(eq(things.id, sql.placeholder('id')))
        .prepare('thing')
        .execute({ id: 2 }),
    ),
    await outcome(
      db
        .update(things)
        .set({ value: sql`${things.value}` })
        .where(eq(things.id, 2))
        .returning(),
    ),
  ]
}

/**
 * A table that changes under statements already run: stock prepares nothing unnamed, so nothing may go stale.
 * Each case has a table name of its own in place of `things`, as connections outlive cases.
 */
function changing(things: string, name: string, ...changes: readonly string[]): ConformanceCase {
  return {
    name,
    run: async (db, { ddl }) => {
      await ddl(create(things))
      const answers = [await ask(db, things), await ask(db, things)]
      for (const change of changes) {
        await ddl(change.replaceAll('things', things))
        answers.push(await ask(db, things), await ask(db, things))
      }
      return answers
    },
  }
}

export const definitionCases: ConformanceCase[] = [
  changing(
    'grown',
    'a column added shows up in the same query',
    'alter table scratch.things add column extra int default 7',
  ),
  changing(
    'shrunk',
    'a column dropped disappears from the same query',
    'alter table scratch.things drop column value',
    'alter table scratch.things add column value text',
  ),
  changing(
    'retyped',
    'a column that changes its type changes the same query’s rows',
    'alter table scratch.things alter column value type int using value::int',
  ),
  changing(
    'renamed',
    'a column renamed fails or shows in the same query',
    'alter table scratch.things rename column value to other',
  ),
  changing(
    'remade',
    'a table dropped and made anew answers the same query',
    `drop table scratch.things; ${create('things')}`,
  ),
  changing(
    'viewed',
    'a table replaced by a view answers the same query',
    `alter table scratch.things rename to old; create view scratch.things as select id, value || '!' as value from scratch.old`,
  ),
  changing(
    'absent',
    'a table gone fails the same query and works when it is back',
    'alter table scratch.things rename to gone',
    'alter table scratch.gone rename to things',
  ),
  changing(
    'reordered',
    'columns in another order keep the same query’s mapping',
    `drop table scratch.things; create table scratch.things (value text, id integer primary key); insert into scratch.things values ('x', 1), ('y', 2)`,
  ),
  {
    name: 'the same query inside a transaction survives a change made by that transaction',
    run: async (db, { ddl }) => {
      await ddl(create('altered_inside'))
      const query = sql`select * from scratch.altered_inside where id = ${1}`
      return db.transaction(async (tx) => {
        const before = await tx.execute(query)
        await tx.execute(sql`alter table scratch.altered_inside add column extra text default 'new'`)
        const after = await tx.execute(query)
        await tx.execute(sql`alter table scratch.altered_inside alter column id type bigint`)
        return [before, after, await tx.execute(query)]
      })
    },
  },
  {
    name: 'the same query inside a transaction survives a change made before it by another',
    run: async (db, { ddl }) => {
      await ddl(create('altered_before'))
      const query = sql`select * from scratch.altered_before where id = ${1}`
      const before = [
        await db.execute(query),
        await db.execute(query),
        await db.execute(query),
        await db.execute(query),
      ]
      await ddl('alter table scratch.altered_before add column extra int default 1')
      return [before, await db.transaction(async (tx) => [await tx.execute(query), await tx.execute(query)])]
    },
  },
  {
    name: 'the same queries at once survive a change',
    run: async (db, { ddl }) => {
      await ddl(create('altered_at_once'))
      const query = () =>
        Promise.all(
          Array.from({ length: 20 }, (_, n) =>
            db.execute(sql`select *, ${n}::int as n from scratch.altered_at_once order by id`),
          ),
        )
      const before = await query()
      await ddl('alter table scratch.altered_at_once add column extra int default 1')
      return [before, await query(), await query()]
    },
  },
  {
    name: 'a function that changes its result type changes the same query',
    run: async (db, { ddl }) => {
      const query = sql`select scratch.answer(${20}) as answer`
      await ddl(`create function scratch.answer(n int) returns int language sql as 'select n + 1'`)
      const before = [await db.execute(query), await db.execute(query)]
      await ddl(
        `drop function scratch.answer; create function scratch.answer(n text) returns text language sql as 'select n || ''!'''`,
      )
      return [before, await db.execute(query), await db.execute(query)]
    },
  },
  {
    name: 'the same query follows the search path of its transaction',
    run: async (db, { ddl }) => {
      await ddl(
        `create table scratch.accounts (id int, other text); insert into scratch.accounts values (7, 'scratch')`,
      )
      const query = sql`select * from accounts where id = ${7}`
      return [
        await db.execute(query),
        await db.transaction(async (tx) => {
          await tx.execute(sql`set local search_path = scratch`)
          return [await tx.execute(query), await tx.execute(query)]
        }),
        await db.execute(query),
      ]
    },
  },
  {
    name: 'plans discarded by a user are made again for later queries',
    run: async (db) => {
      const query = () =>
        Promise.all(Array.from({ length: 12 }, (_, n) => db.execute(sql`select ${n}::int + 1 as n`)))
      const before = await query()
      for (let round = 0; round < 8; round++) await db.execute(sql.raw('discard plans'))
      return [before, await query()]
    },
  },
  {
    name: 'an enum label added is accepted by the same query',
    run: async (db, { ddl }) => {
      await ddl(`create type scratch.size as enum ('small'); create table scratch.sized (size scratch.size)`)
      const insert = (size: string) => db.execute(sql`insert into scratch.sized values (${size}) returning *`)
      const before = [await insert('small'), await failure(insert('large'))]
      await ddl(`alter type scratch.size add value 'large'`)
      return [before, await insert('large')]
    },
  },
  {
    name: 'a bigint column made of an integer one is read with every digit',
    run: async (db, { ddl }) => {
      const wide = scratch.table('widened', { id: bigint('id', { mode: 'bigint' }) })
      await ddl(create('widened'))
      const before = await db.select().from(wide).where(eq(wide.id, 1n))
      await ddl(
        'alter table scratch.widened alter column id type bigint; insert into scratch.widened (id) values (9007199254740993)',
      )
      return [
        before,
        await db.select().from(wide).where(eq(wide.id, 9_007_199_254_740_993n)),
        await db.select().from(wide).where(eq(wide.id, 1n)),
      ]
    },
  },
]
