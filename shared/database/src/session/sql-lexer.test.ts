import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { lexSql } from './sql-lexer.ts'

const valuesOf = (text: string) => Array.from(lexSql(text), ({ kind, value }) => `${kind} ${value}`)

describe('lexSql', () => {
  test('takes SQL apart as PostgreSQL does', () => {
    expect(
      valuesOf(`SELECT "A""b".c, 'it''s', E'\\'x', $1::int4, $q$ ' $q$ -- end
        /* a /* b */ c */ FROM t WHERE a->>'k'>=-1.5e3 and U&"d" is not null`),
    ).toEqual([
      'word select',
      'quoted A"b',
      'mark .',
      'word c',
      'mark ,',
      "text 'it''s'",
      'mark ,',
      "text E'\\'x'",
      'mark ,',
      'parameter $1',
      'mark :',
      'mark :',
      'word int4',
      'mark ,',
      "text $q$ ' $q$",
      'word from',
      'word t',
      'word where',
      'word a',
      'operator ->>',
      "text 'k'",
      'operator >=-',
      'number 1.5e3',
      'word and',
      'quoted U&"d"',
      'word is',
      'word not',
      'word null',
    ])
  })

  test.each(["'open", '"open', '/* open /* */', '$a$ open', '$a $ $b', '--', "e'\\", '$', '\0'])(
    'comes to an end in %p',
    (text) => {
      expect(valuesOf(text).length).toBeLessThan(8)
    },
  )

  test('reads what it joins again', () => {
    const piece = fc.constantFrom(
      'select',
      '"a b"',
      "'c '' d'",
      '$1',
      '12',
      '<=',
      '(',
      ')',
      ',',
      '$x$ y $x$',
      ';',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const once = Array.from(lexSql(pieces.join(' ')))
        expect(once.length).toBe(pieces.length)
      }),
    )
  })

  test('survives any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 60 }), (text) => {
        expect(Array.from(lexSql(text)).length).toBeLessThanOrEqual(text.length)
      }),
    )
  })
})
