import { expect, test } from 'bun:test'
import { describeSql } from './sql-text.ts'

test('a masked text has a ? for every constant, its parameters and names, and no comment', () => {
  const masked = (text: string) => describeSql(text).text
  expect([
    masked(`select "a-1", b2 from t where c = 'canary' and d in (1, 2.5) and e = $1 -- canary\nlimit 10`),
    masked(`select E'it\\'s canary', $q$canary$q$, U&'canary', x'ff'::bytea /* canary */ from "t 1"`),
    masked(`select 'a' 'b', -5, interval '1 day', true, null`),
    masked(`insert into t values ($1, default), ('canary', $2)`),
    masked(`select 'unfinished canary`),
    masked(`select 'it\\'s canary' where d = 'canary'`),
  ]).toEqual([
    'select "a-1", b2 from t where c = ? and d in (?, ?) and e = $1 limit ?',
    'select ?, ?, ?, ?::bytea from "t 1"',
    'select ? ?, -?, interval ?, true, null',
    'insert into t values ($1, default), (?, $2)',
    'select ?',
    'select ?',
  ])
})

test.each([
  ['select "id" from "products" "p" where "id" = $1', 'SELECT products', 'SELECT'],
  [
    'SELECT * FROM Songs, artists a, "My Table" WHERE a in (1, 2)',
    'SELECT songs artists "My Table"',
    'SELECT',
  ],
  [
    'select a from x join only y on x.i = y.i left join lateral (select 1 from z) q on true',
    'SELECT x y SELECT z',
    'SELECT',
  ],
  [
    'insert into "app"."orders" ("a") select b from carts on conflict do update set a = 1',
    'INSERT app.orders SELECT carts',
    'INSERT',
  ],
  ['insert into t (a, b) values ($1, $2), ($3, $4) returning a', 'INSERT t', 'INSERT'],
  ['update "t" set "a" = $1 from u where t.i = u.i', 'UPDATE t u', 'UPDATE'],
  ['delete from t using u where t.i = u.i', 'DELETE t u', 'DELETE'],
  ['merge into t using u on t.i = u.i when matched then update set a = 1', 'MERGE t u', 'MERGE'],
  [
    'with x as (select 1 from a), y (b) as not materialized (select 2 from x) insert into t select * from y, b',
    'SELECT a SELECT INSERT t SELECT b',
    'INSERT',
  ],
  ['select extract(year from day), a is distinct from b from t for update', 'SELECT t', 'SELECT'],
  [
    'select * from (select * from a) b, c where exists (select from d)',
    'SELECT SELECT a c SELECT d',
    'SELECT',
  ],
  ['create unique index concurrently i on t (a)', 'CREATE INDEX', 'CREATE INDEX'],
  ['create or replace view v as select * from t', 'CREATE VIEW SELECT t', 'CREATE VIEW'],
  ['explain select * from t', 'EXPLAIN SELECT t', 'EXPLAIN'],
  ["set local statement_timeout = '1s'", 'SET', 'SET'],
  ['select 1; select 2 from t', 'SELECT SELECT t', 'SELECT'],
  ['values (1), (2)', 'VALUES', 'VALUES'],
  ['', '', ''],
])('%s: %s', (text, summary, operation) => {
  const { summary: said, operation: done } = describeSql(text)
  expect({ said, done }).toEqual({ said: summary, done: operation })
})

test('a summary is cut between two names', () => {
  const { summary } = describeSql(
    `select * from ${Array.from({ length: 100 }, (_, i) => `table${i}`).join(', ')}`,
  )
  expect({ isShort: summary.length <= 255, end: summary.split(' ').at(-1) }).toEqual({
    isShort: true,
    end: expect.stringMatching(/^table\d+$/),
  })
})
