import { arrayContained, arrayContains, arrayOverlaps, asc, eq, sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  customType,
  date,
  doublePrecision,
  integer,
  interval,
  jsonb,
  numeric,
  point,
  text,
  timestamp,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import type { ConformanceCase } from '../case.ts'
import { mood, people, scratch } from '../schema.ts'
import { columnCase } from './column-case.ts'
import { awkwardTexts } from './columns-text.ts'

const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })
const levels = scratch.enum('levels', ['low', 'very "high"', ''])

export const arrays: ConformanceCase[] = [
  columnCase('an integer array keeps its elements', () => integer('value').array(), [
    [],
    [1],
    [1, -2, 2_147_483_647],
    [null],
    [1, null, 3],
    [2_147_483_648],
    null,
  ]),
  columnCase(
    'a bigint array as bigint keeps every digit',
    () => bigint('value', { mode: 'bigint' }).array(),
    [[], [9_223_372_036_854_775_807n, -1n], [null]],
  ),
  columnCase(
    'a bigint array as number parses to numbers',
    () => bigint('value', { mode: 'number' }).array(),
    [[Number.MAX_SAFE_INTEGER, 0]],
  ),
  columnCase('a numeric array keeps its digits', () => numeric('value').array(), [
    ['1.10', 'NaN', '-0.00'],
    [],
  ]),
  columnCase(
    'a numeric array as number parses to numbers',
    () => numeric('value', { mode: 'number' }).array(),
    [[1.5, 2]],
  ),
  columnCase('a double precision array keeps specials', () => doublePrecision('value').array(), [
    [0, -0, 1e-7, Number.NaN, Number.POSITIVE_INFINITY],
  ]),
  columnCase('a boolean array is of booleans', () => boolean('value').array(), [
    [true, false],
    [null, true],
    [],
  ]),
  columnCase('a text array keeps awkward strings', () => text('value').array(), [
    awkwardTexts,
    ...awkwardTexts.map((sample) => [sample]),
    [],
    [null],
    ['a', null, 'null'],
    null,
  ]),
  columnCase('a varchar array keeps its elements', () => varchar('value', { length: 3 }).array(), [
    ['abc', ''],
    ['abcd'],
  ]),
  columnCase('a uuid array keeps its elements', () => uuid('value').array(), [
    ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    [],
  ]),
  columnCase('an array of an enum made before the connection keeps its labels', () => mood('value').array(), [
    ['sad', 'happy'],
    [],
    [null, 'ok'],
    ['angry'],
  ]),
  columnCase(
    'an array of an enum made after the connection keeps its labels',
    () => levels('value').array(),
    [['low', 'very "high"', ''], []],
    {
      type: 'scratch.levels[]',
      before: `create type scratch.levels as enum ('low', 'very "high"', '')`,
    },
  ),
  columnCase('a date array as string keeps its elements', () => date('value').array(), [
    ['2024-02-29', 'infinity'],
    [null],
  ]),
  columnCase('a date array as Date keeps its elements', () => date('value', { mode: 'date' }).array(), [
    [new Date(0)],
  ]),
  columnCase('a timestamp array as Date keeps the instants', () => timestamp('value').array(), [
    [new Date('2024-02-29T12:34:56.789Z'), new Date(0)],
    [],
  ]),
  columnCase(
    'a timestamp with tz array as Date keeps the instants',
    () => timestamp('value', { withTimezone: true }).array(),
    [[new Date('2024-02-29T12:34:56.789Z')]],
  ),
  columnCase(
    'a timestamp array as string is the server’s text',
    () => timestamp('value', { mode: 'string', withTimezone: true }).array(),
    [['2024-02-29 12:34:56.789012+02', '-infinity']],
  ),
  columnCase('an interval array keeps its elements', () => interval('value').array(), [['1 day', '2 hours']]),
  columnCase('a jsonb array keeps its elements', () => jsonb('value').array(), [
    [{ a: 1 }, [1, 'b'], 'text', 5, null],
    [],
  ]),
  columnCase('a bytea array is treated alike', () => bytea('value').array(), [
    [Buffer.from('ab'), Buffer.from([0, 255])],
    [],
  ]),
  columnCase('a point array is treated alike', () => point('value').array(), [
    [
      [1, 2],
      [3, 4],
    ],
  ]),
  {
    name: 'array operators take arrays as parameters',
    run: async (db) => [
      await db
        .select({ id: people.id })
        .from(people)
        .where(arrayContains(people.tags, ['a', 'b'])),
      await db
        .select({ id: people.id })
        .from(people)
        .where(arrayContained(people.tags, ['navy', 'math']))
        .orderBy(asc(people.id)),
      await db
        .select({ id: people.id })
        .from(people)
        .where(arrayOverlaps(people.tags, ['', 'c']))
        .orderBy(asc(people.id)),
      await db
        .select({ id: people.id })
        .from(people)
        .where(eq(people.tags, ['navy'])),
    ],
  },
  {
    name: 'raw array results are JS arrays of the same elements',
    run: (db) =>
      db.execute(sql`select array[1, 2] as ints, array['a', null, 'b"c'] as texts, array[[1, 2], [3, 4]] as matrix,
        array[]::text[] as empty, array['2024-02-29'::date] as dates, array[now() = now()] as booleans,
        array[1.5::numeric] as numerics, array['{"a": 1}'::jsonb] as documents, array['happy'::mood] as moods,
        array[9007199254740993] as bigints, array['\\x00ff'::bytea] as bytes, '[2:3]={7,8}'::int[] as bounds,
        array[box '(1,1),(0,0)', box '(2,2),(1,1)'] as boxes`),
  },
]
