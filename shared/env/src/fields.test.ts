import { describe, expect, test } from 'bun:test'
import type { z } from 'zod'
import { boolean, host, identifier, integer, oneOf, origins, seconds, serviceUrl, text } from './fields.ts'

const accepts = (schema: z.ZodType, value: string) => schema.safeParse(value).success
const read = (schema: z.ZodType, value: string) => schema.parse(value)

describe('integer', () => {
  const port = integer({ min: 0, max: 65_535 })

  test('reads plain decimal digits', () => {
    expect(['0', '1', '8001', '65535'].map((value) => read(port, value))).toEqual([0, 1, 8001, 65_535])
    expect(read(integer({ min: -1, max: 5 }), '-1')).toBe(-1)
  })

  test.each([
    '0x1F41',
    '1e3',
    ' 8001',
    '8001 ',
    '8001\n',
    '+8001',
    '-1',
    '-0',
    '8001.0',
    '8_001',
    '08001',
    '65536',
    '99999999999999999999',
    'NaN',
    'Infinity',
    '٣',
    '0b11',
    'eighty',
  ])('refuses %j', (value) => {
    expect(accepts(port, value)).toBe(false)
  })
})

describe('seconds', () => {
  test('reads decimals down to a millisecond, and -1 only where it means never', () => {
    expect({
      decimal: read(seconds({ min: 0 }), '0.5'),
      millisecond: read(seconds({ min: 0 }), '0.001'),
      whole: read(seconds({ min: 0 }), '3600'),
      never: read(seconds({ min: 1, never: true }), '-1'),
      negative: accepts(seconds({ min: 0 }), '-1'),
      otherNegative: accepts(seconds({ min: 1, never: true }), '-2'),
      zeroBelowMinimum: accepts(seconds({ min: 1, never: true }), '0'),
    }).toEqual({
      decimal: 0.5,
      millisecond: 0.001,
      whole: 3600,
      never: -1,
      negative: false,
      otherNegative: false,
      zeroBelowMinimum: false,
    })
  })

  test.each(['30s', '.5', '5.', '1e3', '0x10', ' 1', '0.0001', '01', '2147484', 'Infinity', '1,5'])(
    'refuses %j',
    (value) => {
      expect(accepts(seconds({ min: 0 }), value)).toBe(false)
    },
  )
})

describe('boolean', () => {
  test('reads words for yes and no as such', () => {
    expect(
      ['true', '1', 'yes', 'on', 'false', '0', 'no', 'off'].map((value) => read(boolean(), value)),
    ).toEqual([true, true, true, true, false, false, false, false])
  })

  test.each(['maybe', '2', 'truee', ' true'])('refuses %j', (value) => {
    expect(accepts(boolean(), value)).toBe(false)
  })
})

describe('host', () => {
  test.each([
    ['localhost', 'localhost'],
    ['db_primary.internal', 'db_primary.internal'],
    ['10.0.0.7', '10.0.0.7'],
    ['::1', '::1'],
    ['[2001:db8::5]', '2001:db8::5'],
    ['db.example.', 'db.example.'],
  ])('reads %s', (value, expected) => {
    expect(read(host(), value)).toBe(expected)
  })

  test.each([
    'db:5432',
    'a,b',
    '/var/run/postgresql',
    'http://db',
    'user@db',
    'db/auth_db',
    ' db',
    '-db',
    '.db',
    '::g',
    'fe80::1%eth0',
    'dänemark',
    'a'.repeat(254),
  ])('refuses %j', (value) => {
    expect(accepts(host(), value)).toBe(false)
  })
})

describe('text', () => {
  test('takes any printable Unicode and refuses control characters and broken Unicode', () => {
    expect({
      symbols: accepts(text(50), 'pä$$ "w0rd" #%/@:é💧'),
      empty: accepts(text(50), ''),
      nul: accepts(text(50), 'a\0b'),
      lineBreak: accepts(text(50), 'a\nb'),
      loneSurrogate: accepts(text(50), 'a\ud800b'),
      long: accepts(text(50), 'a'.repeat(51)),
    }).toEqual({
      symbols: true,
      empty: false,
      nul: false,
      lineBreak: false,
      loneSurrogate: false,
      long: false,
    })
  })

  test('an identifier is not one that a URL would drop from its path', () => {
    expect(['.', '..', '...'].map((value) => accepts(identifier(), value))).toEqual([false, false, true])
  })

  test('an identifier is at most 63 bytes, not characters', () => {
    expect([accepts(identifier(), 'a'.repeat(63)), accepts(identifier(), 'é'.repeat(32))]).toEqual([
      true,
      false,
    ])
  })
})

test('no message of any field repeats the value', () => {
  const fields = [
    integer({ min: 0, max: 9 }),
    seconds({ min: 0 }),
    boolean(),
    oneOf(['a', 'b']),
    host(),
    text(5),
  ]
  for (const field of fields) {
    expect(
      JSON.stringify(field.safeParse('canary:\n').error?.issues.map((issue) => issue.message)),
    ).not.toContain('canary')
  }
})

describe('origins', () => {
  test('reads one or many, spaces around commas allowed', () => {
    expect(read(origins(), 'https://shop.example')).toEqual(['https://shop.example'])
    expect(read(origins(), 'https://shop.example, http://127.0.0.1:5173,https://[::1]:8443')).toEqual([
      'https://shop.example',
      'http://127.0.0.1:5173',
      'https://[::1]:8443',
    ])
  })

  test.each([
    '*',
    'null',
    'shop.example',
    'https://shop.example/',
    'https://shop.example/path',
    'https://Shop.example',
    'https://shop.example:443',
    'https://user:pw@shop.example',
    'https://*.shop.example',
    'https://a.example,',
    'https://a.example https://b.example',
    'ftp://shop.example',
    'file:///',
  ])('refuses %j', (value) => {
    expect(accepts(origins(), value)).toBe(false)
  })
})

describe('serviceUrl', () => {
  test('reads an address and drops the slash at its end', () => {
    expect(
      ['http://product:8002', 'https://api.example/product/', 'http://[::1]:8002/', 'http://10.0.0.7'].map(
        (value) => read(serviceUrl(), value),
      ),
    ).toEqual(['http://product:8002', 'https://api.example/product', 'http://[::1]:8002', 'http://10.0.0.7'])
  })

  test.each([
    'product:8002',
    'product',
    '//product',
    'ftp://product',
    'file:///etc/passwd',
    'http://',
    'http://user:canary@product',
    'http://user@product',
    'http://product?x=1',
    'http://product#x',
    'http://product:99999',
    'http://pro duct',
    'http:\\\\product',
    ' http://product',
  ])('refuses %j without repeating it', (value) => {
    const result = serviceUrl().safeParse(value)
    expect(result.success).toBe(false)
    expect(JSON.stringify(result.error)).not.toContain('canary')
  })
})
