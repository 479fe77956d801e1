import { describe, expect, test } from 'bun:test'
import { withDatabase } from '@shared/postgres/testing'
import postgres from 'postgres'
import { effectOf } from './effect.ts'
import { harmlessFunctions } from './harmless-functions.ts'

/** What runs nothing of the user's, waits for nothing and leaves nothing: not volatile, or volatile without an effect. */
const harmlessText = `
  select proname from pg_proc p join pg_language l on l.oid = prolang
  where pronamespace = 'pg_catalog'::regnamespace
    and proname !~ '^(pg_|txid_|binary_upgrade_|_)|_to_xml|xmlschema|send$|_sortsupport$|support$|sel$|typmodout$|validator$'
    and p.oid not in (select oprcode from pg_operator) and p.oid not in (select amproc from pg_amproc)
  group by proname
  having bool_and(
    (provolatile <> 'v' or proname in ('random', 'random_normal', 'clock_timestamp', 'timeofday', 'gen_random_uuid', 'uuidv4', 'uuidv7'))
    and prokind <> 'p' and lanname in ('internal', 'sql')
    and prorettype not in ('internal'::regtype, 'trigger'::regtype, 'event_trigger'::regtype, 'cstring'::regtype)
    and not ('internal'::regtype = any(proargtypes::oid[])) and not ('cstring'::regtype = any(proargtypes::oid[])))
  order by proname collate "C"`

describe('a text that is known to have no effect', () => {
  test('calls only functions that this server has and that have no effect', async () => {
    await using database = await withDatabase()
    const sql = postgres(database.adminUrl, { max: 1, onnotice: () => {} })
    const rows = await sql.unsafe(harmlessText)
    await sql.end({ timeout: 1 })
    const names = rows.map(({ proname }) => proname as string)
    const chosen = ['pg_backend_pid', 'pg_column_size', 'pg_size_pretty', 'pg_typeof']
    expect([...harmlessFunctions].toSorted()).toEqual([...names, ...chosen].toSorted())
  })

  test.each([
    'select "id", "name" from "product" where "product"."id" = $1 and "name" in ($2, $3)',
    'select count(*), COALESCE(Max(price), 0) from product',
    'with a as (select 1) select * from a where exists (select 1)',
    '(select 1) union all (values (2))',
    'select cast(a as numeric(10, 2)), b::varchar(20) from t as x(a, b)',
    "select substring('abc' from 1 for 2), extract(epoch from now()), at from t -- create_order(1)",
    'select pg_catalog.lower(name) from t;',
    'select "lower"(name), $$ ; delete $$ from t where data @> $1::jsonb',
    'table product',
    'select count(*) filter (where a > 1) over (partition by b), sum(c) over w from t window w as (order by d)',
    'select * from a left join (select 1 as id) b on a.id = b.id inner join lateral (select 2) c on true',
    'select * from a where name ilike (select $1) and (a, b) in (select 1, 2) group by (a) having not (a = 1)',
    'select "products"."id", "stock"."data" from "products" left join lateral (select json_build_array("s"."quantity") as "data" from (select * from "stock" limit $1) "s") "stock" on true where "products"."id" = $2',
  ])('is %p', (text) => {
    expect(effectOf(text)).toBe('none')
  })

  test.each([
    'select create_order($1)',
    'select * from refund($1)',
    'with x as (select settle($1)) select * from x',
    'select app.lower($1)',
    'select "Lower"($1)',
    'select set_config/*c*/ ($1, $2, false)',
    'select "set_config"($1, $2, false)',
    'select * from t for update',
    'select * from t for no key update skip locked',
    'select * from t for key share',
    'select 1 into t',
    'with d as (delete from t returning *) select * from d',
    "select nextval('s')",
    'select pg_sleep(1)',
    'select pg_advisory_lock(1)',
    "select query_to_xml('select create_order(1)', true, true, '')",
    "select next('orders')",
    'select first(a), over(1), partition(1) from t',
    'select 1 where not materialized(id)',
    'select a, filter(1) from t',
    'select 1 -- a\r, refund(1)',
    "select E'a'\n'\\'', refund(1) --'",
    'select a.pg_catalog.lower(1)',
    'select U&"\\0073et_config"($1, $2, false)',
    'select 1 operator(app.+) 2',
    'select a <+> b from t',
    'select 1; select 2',
    'insert into t values (1)',
    'explain analyze insert into t values (1)',
    'call p()',
    '',
    '-- select 1',
  ])('is not %p', (text) => {
    expect(effectOf(text)).not.toBe('none')
  })
})

describe('a text that is known to change rows and nothing else', () => {
  test.each([
    'insert into "orders" ("id", "at") values ($1, now()), (default, $2) returning "id"',
    'insert into app.orders as o (id) select id from t on conflict (id) do update set at = excluded.at',
    'update t set a = 1 where lower(name) = $1',
    'delete from t using u where t.id = u.id',
    'merge into t using u on (t.id = u.id) when not matched then insert (id) values (u.id)',
    'with d as (delete from t returning *) select * from d',
    'select * from t for update',
  ])('is %p', (text) => {
    expect(effectOf(text)).toBe('rows')
  })

  test.each([
    'insert into t values (charge($1))',
    'insert into t (a) select charge(b) from u',
    'insert into t default values returning charge(a)',
    'update t set a = app.charge(b)',
    'select 1 into t',
    'delete from t; delete from u',
    'create index concurrently i on t (a)',
    'vacuum',
    'call p()',
  ])('is not %p', (text) => {
    expect(effectOf(text)).toBe('unknown')
  })
})
