import { eq, sql } from 'drizzle-orm'
import { type ConformanceCase, failure, outcome } from '../case.ts'
import { people, posts } from '../schema.ts'

export const rawCases: ConformanceCase[] = [
  {
    name: 'execute gives a result of rows with count, command and columns',
    run: (db) => db.execute(sql`select id, name from people order by id`),
  },
  {
    name: 'execute with parameters gives the same kind of result',
    run: (db) => db.execute(sql`select id, name from people where id > ${2} order by id`),
  },
  { name: 'execute of a plain string works', run: (db) => db.execute('select 1 as one') },
  {
    name: 'execute of no rows keeps columns and count',
    run: (db) => db.execute(sql`select id, name, tags from people where false`),
  },
  {
    name: 'execute of writes tells command and count',
    run: async (db) => [
      await db.execute(sql`insert into groups (name) values ('a'), ('b')`),
      await db.execute(sql`insert into groups (name) values (${'c'}) returning *`),
      await db.execute(sql`update groups set name = name || '!' where id > ${1}`),
      await db.execute(sql`delete from groups where name like ${'%!'} and id > 3`),
    ],
  },
  {
    name: 'execute of definitions tells the command',
    run: async (db) => [
      await db.execute(sql`create table scratch.made (id int)`),
      await db.execute(sql`create index on scratch.made (id)`),
      await db.execute(sql`alter table scratch.made add column note text default 'x'`),
      await db.execute(sql`truncate scratch.made`),
      await db.execute(sql`comment on table scratch.made is 'made'`),
      await db.execute(sql`analyze scratch.made`),
      await db.execute(sql`drop table scratch.made`),
      await db.execute(sql`do $$ begin null; end $$`),
    ],
  },
  {
    name: 'execute of an empty statement gives an empty result',
    run: async (db) => [await db.execute(sql.raw('')), await db.execute('select 1 as after')],
  },
  {
    name: 'execute of a comment alone gives an empty result',
    run: async (db) => [await db.execute(sql.raw('-- nothing')), await db.execute('select 1 as after')],
  },
  {
    name: 'several statements give a result each',
    run: (db) => db.execute(sql.raw('select 1 as a; select 2 as b, 3 as c')),
  },
  {
    name: 'several statements of different kinds give a result each',
    run: (db) =>
      db.execute(
        sql.raw(
          `insert into groups (name) values ('m'); select name from groups order by id; delete from groups where name = 'm'; select 1`,
        ),
      ),
  },
  {
    name: 'several statements with a failure in the middle undo all of them',
    run: async (db) => [
      await failure(db.execute(sql.raw(`insert into groups (name) values ('lost'); select 1/0; select 2`))),
      await db.execute(sql`select count(*)::int as n from groups`),
    ],
  },
  {
    name: 'several statements with a parameter are refused',
    run: (db) => failure(db.execute(sql`select ${1}::int; select 2`)),
  },
  {
    name: 'a trailing semicolon and whitespace change nothing',
    run: async (db) => [
      await db.execute(sql`  select ${1}::int as a ;  `),
      await db.execute(sql.raw('\n select 2 as b;;\n')),
    ],
  },
  {
    name: 'every common type in a raw row is parsed by the driver as stock does',
    run: (db) =>
      db.execute(sql`select 1::smallint as i2, 1::int as i4, 9007199254740993::bigint as i8, 1.5::real as f4, 1.5::float8 as f8,
        1.10::numeric as n, true as b, 'x'::text as t, 'x'::varchar as v, 'x'::char(3) as c, 'x'::name as name, 'a'::"char" as ch,
        '2024-02-29'::date as d, '12:34:56.7'::time as ti, '12:34:56+02'::timetz as tz, '2024-02-29 12:34:56.789'::timestamp as ts,
        '2024-02-29 12:34:56.789+02'::timestamptz as tstz, '1 day 2 hours'::interval as iv, '\\xdeadbeef'::bytea as by,
        '{"a":1}'::json as j, '{"a":1}'::jsonb as jb, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as u, '10.0.0.1'::inet as ip,
        '(1,2)'::point as p, b'101' as bits, '[1,5)'::int4range as r, 'a b'::tsvector as tsv, '$1.00'::money as m, 'people'::regclass as rc,
        12::oid as o, '0/1'::pg_lsn as lsn, row(1, 'a') as rec, '<a/>'::text as x, 'happy'::mood as mood, null as nothing,
        int4multirange(int4range(1, 3)) as mr, '10:20:10,14,15'::pg_snapshot as snap`),
  },
  {
    name: 'odd column names survive',
    run: (db) =>
      db.execute(
        sql
          .raw(
            `select 1 as "?column?", 2 as " ", 3 as "__proto__x", 4 as "quo""te", 5 as "ünïcode", 6 as "0", 7 as "constructor", 8 as "toString"`,
          )
          .append(sql.raw(', 9')),
      ),
  },
  {
    name: 'a column named like a numeric index is ordered alike',
    run: (db) => db.execute(sql`select 'b' as b, 'two' as "2", 'one' as "1"`),
  },
  {
    name: 'sql fragments nest with tables, columns, identifiers, joins and raw parts',
    run: (db) => {
      const filter = sql`${people.age} > ${30}`
      const parts = [sql`${people.id}`, sql.identifier('name'), sql.raw('age')]
      return db.execute(
        sql`select ${sql.join(parts, sql`, `)} from ${people} where ${filter} and ${sql.empty()} ${people.name} <> ${sql.param('x')} order by ${people.id}`,
      )
    },
  },
  {
    name: 'sql with an alias and a placeholder is bound when run',
    run: async (db) => {
      const query = db
        .select({ value: sql<string>`${sql.placeholder('v')}::text`.as('value') })
        .from(people)
        .limit(1)
        .prepare('placed')
      return [await query.execute({ v: 'a' }), await query.execute({ v: "b'; --" })]
    },
  },
  {
    name: 'toSQL does not run the statement',
    run: (db) =>
      Promise.resolve(
        db
          .insert(people)
          .values({ name: 'x', profile: { a: 1 } })
          .returning()
          .toSQL(),
      ),
  },
  {
    name: 'a query that is not awaited does not run',
    run: async (db, { observe }) => {
      db.insert(people).values({ name: 'never' })
      db.execute(sql`insert into people (name) values ('never either')`)
      await db.select().from(posts)
      return observe(`select count(*)::int as n from people`)
    },
  },
  {
    name: 'a query is thenable with catch and finally',
    run: async (db) => {
      const seen: string[] = []
      const rows = await db
        .select({ id: people.id })
        .from(people)
        .where(eq(people.id, 1))
        .finally(() => seen.push('finally'))
      const caught = await db.execute(sql`select nothing`).then(
        () => 'no error',
        (error: Error) => error.message,
      )
      return { rows, caught, seen }
    },
  },
  {
    name: 'a builder awaited twice runs twice',
    run: async (db) => {
      const insert = db.insert(people).values({ name: 'twice' }).returning({ id: people.id })
      return [await insert, await insert, await db.$count(people)]
    },
  },
  {
    name: 'a call, show, explain and prepare statements give their results',
    run: async (db, { ddl }) => {
      await ddl(`create procedure scratch.twice(inout n int) language sql as 'select n * 2'`)
      return [
        await db.execute(sql`call scratch.twice(21)`),
        await db.execute(sql`call scratch.twice(${21})`),
        await db.execute(sql`show server_encoding`),
        await db.execute(sql`explain (costs off) select * from people where id = ${1}`),
        await outcome(db.execute(sql`show ${'server_encoding'}`)),
      ]
    },
  },
  {
    name: 'session defaults are those of stock',
    run: async (db) => {
      const settings = [
        'TimeZone',
        'DateStyle',
        'IntervalStyle',
        'extra_float_digits',
        'client_encoding',
        'standard_conforming_strings',
        'search_path',
        'bytea_output',
        'default_transaction_isolation',
        'default_transaction_read_only',
        'statement_timeout',
        'lock_timeout',
        'idle_in_transaction_session_timeout',
        'plan_cache_mode',
        'client_min_messages',
        'role',
      ]
      return db.execute(
        sql`select name, current_setting(name) as value from unnest(${sql.param(settings)}::text[]) as name`,
      )
    },
  },
]
