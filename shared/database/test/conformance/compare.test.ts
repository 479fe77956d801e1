import { describe, expect, test } from 'bun:test'
import { DrizzleQueryError } from 'drizzle-orm/errors'
import postgres from 'postgres'
import { describeValue, hasSubstance, listDifferences } from './compare.ts'

const different: readonly (readonly [name: string, left: unknown, right: unknown])[] = [
  ['a number and its text', 1, '1'],
  ['a number and a bigint', 1, 1n],
  ['zero and negative zero', 0, -0],
  ['null and undefined', null, undefined],
  ['null and its text', null, 'null'],
  ['a Date and its text', new Date(0), new Date(0).toISOString()],
  ['an invalid Date and null', new Date(Number.NaN), null],
  ['a Buffer and a Uint8Array of the same bytes', Buffer.from('a'), new Uint8Array([97])],
  ['an object and a string of its JSON', { a: 1 }, '{"a":1}'],
  ['keys in another order', { a: 1, b: 2 }, { b: 2, a: 1 }],
  ['a missing key and one that is undefined', {}, { a: undefined }],
  ['an empty array and one that holds undefined', [], [undefined]],
  ['an array and one with a count', [], Object.assign([], { count: 0 })],
  ['long texts that differ at the end', 'x'.repeat(5_000), `${'x'.repeat(4_999)}y`],
  ['many rows that differ at the end', Array(1_000).fill(1), [...Array(999).fill(1), 2]],
  ['a plain object and one of a class', {}, new (class Money {})()],
  ['an object and one without prototype', {}, Object.create(null)],
  ['an Error and one of a subclass', new Error('x'), new TypeError('x')],
  ['errors of different causes', new Error('x', { cause: 1 }), new Error('x', { cause: 2 })],
  ['an error with and without a code', new Error('x'), Object.assign(new Error('x'), { code: '23505' })],
  ['a PostgresError and an impostor', new postgres.PostgresError('x'), impostor()],
  [
    'Drizzle’s errors of different params',
    new DrizzleQueryError('q', [1]),
    new DrizzleQueryError('q', ['1']),
  ],
]

function impostor(): Error {
  class PostgresError extends Error {}
  return Object.assign(new PostgresError('x'), { name: 'PostgresError' })
}

describe('the comparison', () => {
  for (const [name, left, right] of different) {
    test(`tells ${name} apart`, () => {
      expect(listDifferences(describeValue(left), describeValue(right))).not.toEqual([])
    })
  }

  test('finds equal values equal', () => {
    const build = () =>
      describeValue({ rows: [{ id: 1, at: new Date(0), bytes: Buffer.from('a') }], error: new Error('x') })
    expect(listDifferences(build(), build())).toEqual([])
  })

  test('names the place of a difference and both values', () => {
    const [line] = listDifferences(describeValue([{ id: 1 }]), describeValue([{ id: '1' }]))
    expect(line).toBe('.items.0.entries.0.1: expected number 1, received string "1"')
  })

  test('lists no more differences than asked for', () => {
    const wide = (offset: number) => describeValue(Array.from({ length: 50 }, (_, index) => index + offset))
    expect(listDifferences(wide(0), wide(1), 3)).toHaveLength(4)
  })

  test('finds no substance in answers that are empty on both sides', () => {
    const empty = [undefined, null, [], {}, [[], [{}]], { rows: [] }].map(describeValue)
    expect(empty.map(hasSubstance)).toEqual(empty.map(() => false))
    expect([0, '', false, [{ id: null, n: 0 }], new Error('')].map(describeValue).map(hasSubstance)).toEqual([
      true,
      true,
      true,
      true,
      true,
    ])
  })
})
