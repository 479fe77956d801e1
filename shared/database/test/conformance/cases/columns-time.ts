import { date, interval, time, timestamp } from 'drizzle-orm/pg-core'
import type { ConformanceCase } from '../case.ts'
import { columnCase } from './column-case.ts'

const instants = [
  new Date(0),
  new Date('2024-02-29T12:34:56.789Z'),
  new Date('1969-12-31T23:59:59.999Z'),
  new Date('9999-12-31T23:59:59.999Z'),
  new Date('0001-01-01T00:00:00.000Z'),
  new Date('+010000-01-01T00:00:00.000Z'),
  new Date(Number.NaN),
  null,
]
const timestamps = [
  '2024-02-29 12:34:56.789012',
  '2024-02-29T12:34:56.7890125Z',
  '2024-03-31 02:30:00+02',
  '2024-06-30 23:59:60',
  'infinity',
  '-infinity',
  '4713-01-01 00:00:00 BC',
  '294276-12-31 23:59:59',
  'epoch',
  '2023-02-29',
  '',
  null,
]
const times = ['00:00:00', '23:59:59.999999', '24:00:00', '12:34:56.7890125', '25:00', '04:05 PM', null]
const intervals = [
  '1 year 2 mons 3 days 04:05:06.789012',
  '-1 year',
  '1 mon -1 day +00:00:01',
  'P1Y2M3DT4H5M6S',
  '0',
  '100 hours',
  'infinity',
  'soon',
  null,
]

export const timeColumns: ConformanceCase[] = [
  columnCase('date as string is the server’s text', () => date('value'), [
    '2024-02-29',
    '2023-02-29',
    '0001-01-01',
    '0044-03-15 BC',
    'infinity',
    '-infinity',
    '5874897-12-31',
    'tomorrowish',
    null,
  ]),
  columnCase('date as Date is midnight UTC', () => date('value', { mode: 'date' }), instants),
  columnCase('timestamp as Date is read as UTC', () => timestamp('value'), instants),
  columnCase(
    'timestamp as Date with tz keeps the instant',
    () => timestamp('value', { withTimezone: true }),
    instants,
  ),
  columnCase('timestamp as Date rounds to precision 0', () => timestamp('value', { precision: 0 }), instants),
  columnCase(
    'timestamp as Date with tz rounds to precision 3',
    () => timestamp('value', { precision: 3, withTimezone: true }),
    instants,
  ),
  columnCase(
    'timestamp as string is the server’s text',
    () => timestamp('value', { mode: 'string' }),
    timestamps,
  ),
  columnCase(
    'timestamp as string with tz is the server’s text',
    () => timestamp('value', { mode: 'string', withTimezone: true }),
    timestamps,
  ),
  columnCase(
    'timestamp as string rounds to precision 3',
    () => timestamp('value', { mode: 'string', precision: 3 }),
    timestamps,
  ),
  columnCase(
    'timestamp as string with tz rounds to precision 0',
    () => timestamp('value', { mode: 'string', precision: 0, withTimezone: true }),
    timestamps,
  ),
  columnCase(
    'timestamp as string given Dates serialises them alike',
    () => timestamp('value', { mode: 'string' }),
    [new Date(0), '2024-01-01', 0],
  ),
  columnCase('time without tz is the server’s text', () => time('value'), times),
  columnCase('time with tz is the server’s text', () => time('value', { withTimezone: true }), [
    ...times,
    '12:00:00+05:30',
  ]),
  columnCase('time rounds to its precision', () => time('value', { precision: 2 }), times),
  columnCase('interval is the server’s text', () => interval('value'), intervals),
  columnCase(
    'interval with fields truncates alike',
    () => interval('value', { fields: 'day to second' }),
    intervals,
  ),
  columnCase(
    'interval with year to month truncates alike',
    () => interval('value', { fields: 'year to month' }),
    intervals,
  ),
  columnCase('interval with precision rounds alike', () => interval('value', { precision: 3 }), intervals),
  columnCase(
    'interval with fields and precision rounds alike',
    () => interval('value', { fields: 'second', precision: 2 }),
    intervals,
  ),
]
