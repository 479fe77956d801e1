import { describe, expect, test } from 'bun:test'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

describe('quoting', () => {
  test('identifiers keep their case and double their quotes', () => {
    expect(['auth', 'Auth App', 'a"b', 'a\\b'].map(quoteIdentifier)).toEqual([
      '"auth"',
      '"Auth App"',
      '"a""b"',
      '"a\\b"',
    ])
  })

  test('literals double quotes, and use the escape form for backslashes only', () => {
    expect(['plain', "it's", 'a\\b', "\\'"].map(quoteLiteral)).toEqual([
      "'plain'",
      "'it''s'",
      " E'a\\\\b'",
      " E'\\\\'''",
    ])
  })

  test('a NUL is refused in both', () => {
    expect(() => quoteIdentifier('a\0b')).toThrow(TypeError)
    expect(() => quoteLiteral('a\0b')).toThrow(TypeError)
  })
})
