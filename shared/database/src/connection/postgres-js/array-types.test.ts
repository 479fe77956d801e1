import { describe, expect, test } from 'bun:test'
import { addArrayTypes, type Codecs } from './array-types.ts'

const codecs: Codecs = {
  parsers: { 23: (text) => Number(text), 1182: (text) => text },
  serializers: {
    1182: (value) => value,
    3802: (value) => JSON.stringify(value),
    16: (value) => (value === true ? 't' : 'f'),
  },
}
addArrayTypes(codecs, [
  { oid: 23, typarray: 1007 },
  { oid: 25, typarray: 1009 },
  { oid: 603, typarray: 1020 },
  { oid: 16, typarray: 1000 },
  { oid: 1082, typarray: 1182 },
  { oid: 3802, typarray: 3807 },
])
// The driver cuts the first brace off.
const parse = (type: number, text: string) => codecs.parsers[type]?.(text.slice(1))
const serialize = (type: number, value: unknown) => codecs.serializers[type]?.(value)

describe('array types', () => {
  test.each([
    ['{}', []],
    ['{1}', [1]],
    ['{1,22,-3}', [1, 22, -3]],
    [
      '{{1,2},{3,4}}',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['{{{1}},{{2}}}', [[[1]], [[2]]]],
    ['[0:1]={7,8}', [[7, 8]]],
  ])('numbers in %p are read', (text, value) => {
    expect(parse(1007, text)).toEqual(value)
  })

  test.each([
    ['{a,"b c","d,e"}', ['a', 'b c', 'd,e']],
    [String.raw`{"\"","\\","{}",""}`, ['"', '\\', '{}', '']],
    ['{NULL,"NULL"}', ['NULL', 'NULL']],
  ])('texts in %p are read', (text, value) => {
    expect(parse(1009, text)).toEqual(value)
  })

  test('boxes are divided by semicolons', () => {
    expect(parse(1020, '{(1,1),(0,0);(2,2),(1,1)}')).toEqual(['(1,1),(0,0)', '(2,2),(1,1)'])
  })

  test.each([
    [1007, [], '{}'],
    [1007, [1, null, 2], '{"1",null,"2"}'],
    [1007, [[1], [2]], '{{"1"},{"2"}}'],
    [1009, ['a"b', 'c\\d'], String.raw`{"a\"b","c\\d"}`],
    [1000, [true, false], '{"t","f"}'],
    [1007, '{1,2}', '{1,2}'],
    [3807, [{}, [1], null], '{"{}","[1]",null}'],
  ])('type %p writes %p', (type, value, text) => {
    expect(serialize(type, value)).toBe(text)
  })

  test('an undefined element is refused as the driver does it', () => {
    expect(() => serialize(1007, [undefined])).toThrow('UNDEFINED_VALUE')
  })

  test('types that already have both codecs keep them', () => {
    expect(codecs.parsers[1182]?.array).toBeUndefined()
    expect(parse(1182, 'x{2020-01-01}')).toBe('{2020-01-01}')
  })
})
