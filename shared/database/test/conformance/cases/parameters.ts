import { eq, gte, sql } from 'drizzle-orm'
import { customType, text } from 'drizzle-orm/pg-core'
import { type ConformanceCase, outcome } from '../case.ts'
import { people, posts, scratch } from '../schema.ts'
import { sequence } from './sequence.ts'

const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })
const files = scratch.table('files', { name: text('name'), content: bytea('content') })
const when = new Date('2024-02-29T12:34:56.789Z')

export const parameterCases: ConformanceCase[] = [
  {
    name: 'a bare parameter is text',
    run: (db) =>
      sequence(
        db,
        [(v) => sql`select ${v} as value, pg_typeof(${v})::text as type`],
        ['x', '', 'ü', 5, -0, 1.5, true, 10n, null],
      ),
  },
  {
    name: 'a bare Date, Buffer, Uint8Array and array have the type stock gives them',
    run: (db) =>
      sequence(
        db,
        [(v) => sql`select ${v} as value`],
        [when, Buffer.from('ab'), Uint8Array.of(0, 255), [1, 2], ['a', 'b'], [], [[1], [2]]],
      ),
  },
  {
    name: 'an integer cast takes what converts',
    run: (db) =>
      sequence(db, [(v) => sql`select ${v}::int + 1 as value`], [5, '6', 7n, '8.5', 'x', null, true, '']),
  },
  {
    name: 'an integer operator infers the parameter',
    run: (db) =>
      sequence(
        db,
        [(v) => sql`select 1 + ${v} as value`, (v) => sql`select ${v} * 2 as value`],
        [5, '6', 1.5, 2_147_483_648, 'x'],
      ),
  },
  {
    name: 'a text cast takes what converts',
    run: (db) =>
      sequence(db, [(v) => sql`select ${v}::text as value`], ['x', 5, true, 10n, null, 1e21, Number.NaN]),
  },
  {
    name: 'one statement with values of changing types in sequence stays right',
    run: (db) =>
      sequence(
        db,
        [(v) => sql`select ${v}::text as a, ${'fixed'} as b`],
        [1, 'a', true, 2n, when, null, 'b', 2],
      ),
  },
  {
    name: 'a boolean parameter in a condition',
    run: (db) =>
      sequence(
        db,
        [(v) => sql`select id from people where active = ${v} order by id`],
        [true, false, 'true', 'f', 1, null],
      ),
  },
  {
    name: 'a date column compared with strings and Dates',
    run: (db) =>
      sequence(
        db,
        [(v) => sql`select id from posts where published_on >= ${v} order by id`],
        ['1969-01-01', when, 'infinity', '', 5],
      ),
  },
  {
    name: 'a timestamptz column compared with strings, Dates and ISO texts',
    run: (db) =>
      sequence(
        db,
        [(v) => sql`select id from people where created_at = ${v} order by id`],
        [when, when.toISOString(), '2024-02-29 12:34:56.789+00', new Date(Number.NaN)],
      ),
  },
  {
    name: 'a Date given through a column is mapped by it',
    run: (db) =>
      db.select({ id: people.id }).from(people).where(gte(people.createdAt, when)).orderBy(people.id),
  },
  {
    name: 'a string date given through a column is passed on',
    run: (db) => db.select({ id: posts.id }).from(posts).where(eq(posts.publishedOn, '1969-07-20')),
  },
  {
    name: 'bigints beyond doubles keep their digits',
    run: (db) =>
      sequence(
        db,
        [(v) => sql`select ${v}::bigint as value`, (v) => sql`select id from people where visits = ${v}`],
        [9_007_199_254_740_993n, -1n, 2n ** 63n],
      ),
  },
  {
    name: 'numbers of every size keep their digits',
    run: (db) =>
      sequence(
        db,
        [(v) => sql`select ${v}::float8 as value`, (v) => sql`select ${v}::numeric as value`],
        [0, -0, 0.1, 1e-320, 1.797e308, 1e21, 123_456_789.123, Number.NaN, Number.POSITIVE_INFINITY],
      ),
  },
  {
    name: 'an array for any() is passed alike',
    run: (db) =>
      sequence(
        db,
        [
          (v) => sql`select id from people where id = any(${v}) order by id`,
          (v) => sql`select id from people where id = any(${sql.param(v)}::int[]) order by id`,
        ],
        [[1, 2], [], '{1,2}', ['3', '4'], [null]],
      ),
  },
  {
    name: 'a text array for any() is passed alike',
    run: (db) =>
      sequence(
        db,
        [
          (v) => sql`select id from people where name = any(${sql.param(v)}) order by id`,
          (v) => sql`select ${sql.param(v)}::text[] as value`,
        ],
        [['Ada', 'Grace'], ['a,b', '"', '\\', '', 'NULL'], [null, 'Ada'], []],
      ),
  },
  {
    name: 'an array of Dates, bigints, booleans and buffers is passed alike',
    run: (db) =>
      sequence(
        db,
        [
          (v) => sql`select ${sql.param(v)}::text as value`,
          (v) => sql`select (${sql.param(v)})::text[] as value`,
        ],
        [[when], [1n, 2n], [true, false], [Buffer.from('a')], [{ a: 1 }]],
      ),
  },
  {
    name: 'a typed array parameter is passed alike',
    run: (db) =>
      sequence(
        db,
        [
          (v) => sql`select ${sql.param(v)}::timestamptz[] as value`,
          (v) => sql`select ${sql.param(v)}::bigint[] as value`,
          (v) => sql`select ${sql.param(v)}::bool[] as value`,
        ],
        [[when, when], [1n], [true, false], []],
      ),
  },
  {
    // One at a time, with an answer between: stock loses a refused query on a connection that is not idle yet.
    name: 'an undefined parameter fails alike',
    run: async (db) => [
      await outcome(() => db.execute(sql`select ${sql.param(undefined)} as value`)),
      await db.execute(sql`select 1 as after`),
      await outcome(() => db.execute(sql`select ${undefined} as value`)),
      await db.execute(sql`select ${2}::int as after`),
      await outcome(() =>
        db
          .select({ id: people.id })
          .from(people)
          .where(eq(people.id, undefined as never)),
      ),
      await db.execute(sql`select 3 as after`),
    ],
  },
  {
    name: 'functions, symbols and plain objects as parameters fail or stringify alike',
    run: (db) =>
      sequence(
        db,
        [(v) => sql`select ${sql.param(v)}::text as value`],
        [
          () => 1,
          { a: 1 },
          new Map([[1, 2]]),
          Object.create(null),
          Symbol.for('s'),
          { toString: () => 'named' },
        ],
      ),
  },
  {
    name: 'an object with a type and a value is passed alike',
    run: (db) =>
      sequence(
        db,
        [(v) => sql`select ${sql.param(v)}::text as value`],
        [{ type: 23, value: 5 }, [{ type: 25, value: 'x' }]],
      ),
  },
  {
    name: 'bytes written as Buffer, Uint8Array and views read back the same',
    run: async (db, { ddl }) => {
      await ddl('create table scratch.files (name text, content bytea)')
      const bytes = Buffer.from([0, 1, 92, 127, 128, 255])
      await db.insert(files).values([
        { name: 'buffer', content: bytes },
        { name: 'slice', content: bytes.subarray(1, 3) },
        { name: 'array', content: new Uint8Array(bytes) },
        { name: 'empty', content: new Uint8Array() },
      ])
      return [
        await db.select().from(files).orderBy(files.name),
        await db.execute(
          sql`select name, length(content), encode(content, 'hex') as hex from scratch.files where content <> ${Buffer.from([0])} order by name`,
        ),
      ]
    },
  },
]
