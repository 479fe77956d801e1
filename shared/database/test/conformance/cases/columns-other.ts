import { bit, boolean, cidr, inet, line, macaddr, macaddr8, point } from 'drizzle-orm/pg-core'
import type { ConformanceCase } from '../case.ts'
import { columnCase } from './column-case.ts'

export const otherColumns: ConformanceCase[] = [
  columnCase('boolean is a boolean', () => boolean('value'), [true, false, null]),
  columnCase('boolean given other JS types converts them alike', () => boolean('value'), [
    'yes',
    'f',
    1,
    0,
    'maybe',
  ]),
  columnCase('inet keeps addresses with and without a mask', () => inet('value'), [
    '127.0.0.1',
    '10.0.0.0/8',
    '::1',
    '2001:DB8::/32',
    'localhost',
    null,
  ]),
  columnCase('cidr refuses host bits alike', () => cidr('value'), [
    '10.0.0.0/8',
    '10.1/16',
    '10.0.0.1/8',
    '::/0',
    null,
  ]),
  columnCase('macaddr is normalised alike', () => macaddr('value'), [
    '08:00:2b:01:02:03',
    '0800.2b01.0203',
    'zz',
    null,
  ]),
  columnCase('macaddr8 is normalised alike', () => macaddr8('value'), [
    '08:00:2b:01:02:03:04:05',
    '08-00-2b-01-02-03',
    null,
  ]),
  columnCase('point as tuple is parsed to numbers', () => point('value'), [
    [0, -0],
    [1.5, -2.25],
    [1e300, 1e-300],
    [Number.NaN, 1],
    null,
  ]),
  columnCase('point as object is parsed to numbers', () => point('value', { mode: 'xy' }), [
    { x: 0, y: -0 },
    { x: 1.5, y: Number.POSITIVE_INFINITY },
    null,
  ]),
  columnCase('line as tuple is parsed to numbers', () => line('value'), [
    [1, 2, 3],
    [0.5, -1, 1e10],
    [0, 0, 1],
    null,
  ]),
  columnCase('line as object is parsed to numbers', () => line('value', { mode: 'abc' }), [
    { a: 1, b: -1, c: 0 },
    { a: 0, b: 0, c: 0 },
    null,
  ]),
  columnCase('bit keeps its width', () => bit('value', { dimensions: 5 }), [
    '10101',
    '101',
    '1010101',
    '2',
    null,
  ]),
]
