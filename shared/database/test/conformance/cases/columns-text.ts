import { sql } from 'drizzle-orm'
import { char, customType, pgEnum, text, uuid, varchar } from 'drizzle-orm/pg-core'
import type { ConformanceCase } from '../case.ts'
import { scratch } from '../schema.ts'
import { columnCase } from './column-case.ts'

/** Texts that escaping, quoting, encoding or trimming would change. */
export const awkwardTexts = [
  '',
  ' ',
  ' leading and trailing ',
  "it's",
  'say "hi"',
  'back\\slash \\n \\\\',
  'line\nbreak\ttab\r\n',
  'null',
  'NULL',
  '{}',
  '{a,"b"}',
  '$1 ? :name %s',
  'ÅÄÖ ñ 漢字 🎉 👩‍👩‍👧‍👧 \u200b\u202e',
  'e\u0301',
  '\u0001\u001f\u007f',
  "'; drop table people; --",
  '\ud800',
]

const moods = pgEnum('Mixed Moods', ['sad', 'it\'s "ok"', 'ä, ö', ''])
const scratchLevels = scratch.enum('levels', ['low', 'high'])

/** A type whose driver side is text but whose JS side is a class. */
class Money {
  readonly cents: number
  constructor(cents: number) {
    this.cents = cents
  }
}
const money = customType<{ data: Money; driverData: string }>({
  dataType: () => 'numeric(12, 2)',
  toDriver: (value) => (value.cents / 100).toFixed(2),
  fromDriver: (value) => new Money(Math.round(Number(value) * 100)),
})
const loud = customType<{ data: string; driverData: string; config: { length: number } }>({
  dataType: (config) => `varchar(${config?.length ?? 10})`,
  toDriver: (value) => sql`upper(${value})`,
})
const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })
const citext = customType<{ data: string }>({ dataType: () => 'name' })
const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)

export const textColumns: ConformanceCase[] = [
  columnCase('text keeps awkward strings', () => text('value'), [...awkwardTexts, null]),
  columnCase('text refuses a NUL byte alike', () => text('value'), ['before', 'a\0b', '\0', 'after']),
  columnCase('text with an enum of strings is plain text', () => text('value', { enum: ['a', 'b'] }), [
    'a',
    'c',
    null,
  ]),
  columnCase('text given other JS types stringifies them alike', () => text('value'), [
    1,
    true,
    false,
    10n,
    new Date(0),
    { a: 1 },
    ['x', 'y'],
    [],
    Buffer.from('bytes'),
    Symbol.for('never'),
  ]),
  columnCase('varchar without length keeps awkward strings', () => varchar('value'), [...awkwardTexts, null]),
  columnCase('varchar with length refuses what is too long', () => varchar('value', { length: 3 }), [
    'abc',
    'abcd',
    'abc   ',
    '漢字漢',
    '🎉🎉🎉',
    null,
  ]),
  columnCase('char pads to its length', () => char('value', { length: 4 }), [
    'ab',
    'abcd',
    '',
    '    ',
    'abcde',
    null,
  ]),
  columnCase('char without length is one character', () => char('value'), ['a', '', 'ab', null]),
  columnCase('uuid is normalised and refused alike', () => uuid('value'), [
    '00000000-0000-0000-0000-000000000000',
    'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
    '{a0eebc999c0b4ef8bb6d6bb9bd380a11}',
    'not-a-uuid',
    null,
  ]),
  columnCase(
    'an enum with awkward labels keeps them',
    () => moods('value'),
    ['sad', 'it\'s "ok"', 'ä, ö', '', 'angry', null],
    {
      type: '"Mixed Moods"',
      before: `drop type if exists "Mixed Moods"; create type "Mixed Moods" as enum ('sad', 'it''s "ok"', 'ä, ö', '')`,
    },
  ),
  columnCase(
    'an enum in a schema of its own works',
    () => scratchLevels('value'),
    ['low', 'high', 'middle', null],
    {
      type: 'scratch.levels',
      before: `create type scratch.levels as enum ('low', 'high')`,
    },
  ),
  columnCase('a custom type converts to and from its class', () => money('value'), [
    new Money(0),
    new Money(-1),
    new Money(123_456),
    null,
  ]),
  columnCase('a custom type may convert to an SQL expression', () => loud('value', { length: 5 }), [
    'abc',
    'toolong',
    null,
  ]),
  columnCase('a custom type without converters passes values through', () => citext('value'), [
    'abc',
    '',
    null,
  ]),
  columnCase('a bytea custom type keeps every byte of a Uint8Array', () => bytea('value'), [
    everyByte,
    new Uint8Array(0),
    Uint8Array.of(0),
    null,
  ]),
  columnCase('a bytea custom type keeps every byte of a Buffer', () => bytea('value'), [
    Buffer.from(everyByte),
    Buffer.alloc(0),
    Buffer.from('\\x00', 'utf8'),
    '\\xdeadbeef',
  ]),
]
