import { describe, expect, test } from 'bun:test'
import { maskStatement } from './mask-statement.ts'

describe('a statement is shown', () => {
  const rows: [text: string, shown: string][] = [
    [
      'select "id" from "users" where "email" = $1 limit $2',
      'select "id" from "users" where "email" = $1 limit $2',
    ],
    [`select * from t where a = 'secret' and b = 42`, 'select * from t where a = ? and b = ?'],
    [`select 'it''s secret', 'a' || 'b'`, 'select ?, ? || ?'],
    [`select E'a\\'secret', e'b\\\\', x'ff', B'01', N'secret', U&'\\0061secret'`, 'select ?, ?, ?, ?, ?, ?'],
    ['select $$secret$$, $tag$it is $$ secret $tag$, $é$secret$é$', 'select ?, ?, ?'],
    ['select 1, 1.5, .5, 1e10, 1e-5, 1_000, 0x1F, 1.5E+3, -7', 'select ?, ?, ?, ?, ?, ?, ?, ?, -?'],
    ['select t1.c2, a[1:2], $12, f3(4) from t1', 'select t1.c2, a[?:?], $12, f3(?) from t1'],
    ['select 1 -- secret\nfrom t', 'select ? from t'],
    ['select /* secret /* nested */ secret */ a', 'select a'],
    ['select "a ""quoted"" 1 name", "it\'s"', 'select "a ""quoted"" 1 name", "it\'s"'],
    [`select 'a -- b', '/* c' from t`, 'select ?, ? from t'],
    [`select "--", '"' || 'secret'`, 'select "--", ? || ?'],
    ['select\n\t  a  ,\r\n b', 'select a , b'],
    [`alter role a password'secret'`, 'alter role a password?'],
    ['select größe from straße where naïve1 = 2', 'select größe from straße where naïve1 = ?'],
    ['select a$b$c from x$1', 'select a$b$c from x$1'],
    ['', ''],
  ]
  test.each(rows)('%s', (text, shown) => expect(maskStatement(text)).toBe(shown))
})

test.each([
  [`select 'secr`, 'select ?'],
  [`select 'secret''`, 'select ?'],
  [`select E'secret\\`, 'select ?'],
  ['select $x$secret$x', 'select ?'],
  ['select 1 /* secret', 'select ?'],
  ['select 1 -- secret', 'select ?'],
  ['select "na', 'select "na'],
])('a text cut off in the middle of a token shows none of it: %s', (text, shown) => {
  expect(maskStatement(text)).toBe(shown)
})

test.each([`select 'a\\'secret'`, `select 'a\\'' and b = 'secret'`, `select 'C:\\', 'secret'`])(
  'where a backslash may have escaped a quote, the rest is not shown: %s',
  (text) => {
    expect(maskStatement(text)).toBe('select ?')
  },
)

test('the beginning of a longer text says how many characters are missing', () => {
  const text = `select 'secret', a from b`
  expect([maskStatement(text, text.length), maskStatement(text.slice(0, 12), text.length)]).toEqual([
    'select ?, a from b',
    'select ?… (13 more characters)',
  ])
})

test('no prefix of a text shows what the text hides, at whatever place it is cut', () => {
  const text = `with a as (select E'zq\\'zq', $t$zq $$ zq$t$, 'zq''zq' /* zq /* zq */ zq */, U&'zq', x'zq') -- zq\nselect 777 from "t"`
  for (let length = 0; length <= text.length; length++) {
    const shown = maskStatement(text.slice(0, length))
    expect({ length, leaks: /z|q|7/.test(shown) }).toEqual({ length, leaks: false })
  }
})
