import { expect, test } from 'bun:test'
import { jsonFault } from './json-body.ts'

test.each([
  '',
  'null',
  '[]',
  '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}',
  '{"a":"a","b":"a"}',
  '{"a":["a","a"],"b":"\\"a\\",","c":"{\\"a\\":1,\\"a\\":2}"}',
  '['.repeat(32) + ']'.repeat(32),
  // Grammar is for JSON.parse to judge.
  '{"a',
  '{"a\\',
  '}}]],,"a"',
  '{"\\x":1,"\\y":2}',
])('nothing is wrong beyond the grammar of %j', (text) => {
  expect(jsonFault(text)).toBeNull()
})

test.each([
  '{"a":1,"a":2}',
  '{"a":1, "b":[1,{"c":{}}] ,\n"a" :2}',
  '{"a":1,"\\u0061":2}',
  '[{"x":{"a":{},"a":[]}}]',
  '{"":1,"":2}',
])('a key is given twice in %j', (text) => {
  expect(jsonFault(text)).toBe('must not give a key twice')
})

test.each(['['.repeat(33), '{"a":'.repeat(33), '['.repeat(50_000)])(
  'nesting is bounded (case %#)',
  (text) => {
    expect(jsonFault(text)).toBe('must not nest deeper than 32')
  },
)
