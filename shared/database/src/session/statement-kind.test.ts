import { describe, expect, test } from 'bun:test'
import { classifyStatement } from './statement-kind.ts'

describe('classifyStatement', () => {
  test.each([
    'select 1',
    'update users set name = $1',
    'insert into t (a) values ($1) on conflict do update set a = 1',
    'with begin as (select 1) select * from begin',
    'select pg_advisory_xact_lock(1)',
    'create table temperature (a int)',
    'select 1;',
    'delete from sessions where reset = true',
  ])('%p is plain', (text) => {
    expect(classifyStatement(text)).toBe('plain')
  })

  test.each([
    "set search_path to 'x'",
    '  -- why\n SET ROLE other',
    '/* a */ reset all',
    'LISTEN channel',
    'create temp table t (a int)',
    'CREATE TEMPORARY VIEW v as select 1',
    'select 1 into temp t',
    "select set_config('a.b', $1, false)",
    'select pg_advisory_lock(1)',
    'select pg_try_advisory_lock_shared(1)',
    'prepare p as select 1',
    'declare c cursor with hold for select 1',
    'begin; select 1',
    'call p(1)',
    'do $$ begin end $$',
    'select 1; select 2',
    `select "set_config"('a.b', 'c', false)`,
    "select set_config /* here */ ('a.b', 'c', false)",
    "select set_config('a.b', 'c', false or true)",
    "select set_config('a.b', 'c', $1)",
    "select set_config('a.b', 'c', true), set_config('a.d', 'c', false)",
    "update pg_settings set setting = 'c' where name = 'work_mem'",
    'create table pg_temp.t (a int)',
    'create table pg_temp_3.t (a int)',
    'select U&"\\0073et_config"(1, 2, false)',
    "select pg_backup_start('a')",
    'select 1 -- a\r; set x = 1',
    'execute p',
    `${'/* a */'.repeat(30)} set a.b = 1`,
  ])('%p may leave state', (text) => {
    expect(classifyStatement(text)).toBe('stateful')
  })

  test.each([
    "set local app.tenant = '7'",
    'set transaction isolation level serializable',
    'set constraints all deferred',
    "select set_config('app.tenant', $1, true)",
    "select SET_CONFIG('app.tenant', $1, is_local => true)",
    'lock table t',
  ])('%p leaves something until the transaction ends', (text) => {
    expect(classifyStatement(text)).toBe('local')
  })

  test.each([
    "select 'set_config(1, 2, 3); select 1'",
    'select $tag$ ; listen $tag$',
    'select 1 /* ; /* nested */ ; */ -- ; listen a',
    "select \"a;b\", E'\\'; listen' from t",
    'insert into t (temp) values (1)',
    `${'/* a */ '.repeat(30)} select 1`,
  ])('%p only looks as if it did more', (text) => {
    expect(classifyStatement(text)).toBe('plain')
  })

  test.each([
    'begin',
    'START TRANSACTION read only',
    'commit',
    'end',
    'rollback to s1',
    'abort',
    'savepoint a',
    'release a',
  ])('%p controls a transaction', (text) => {
    expect(classifyStatement(text)).toBe('transaction')
  })

  test.each(['copy t from stdin', 'COPY (select 1)\nTO STDOUT'])('%p is a copy', (text) => {
    expect(classifyStatement(text)).toBe('copy')
  })
})
