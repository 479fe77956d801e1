const sqlTexts = [
  `'; drop table users, products, carts cascade; --`,
  `' or '1'='1`,
  `1; select pg_sleep(30)`,
  `\\'; truncate users; --`,
  `$$ || version() || $$`,
  `') union select rolname, rolpassword from pg_authid --`,
  `$1`,
  `%' escape '`,
  `E'\\047'`,
]

/** Texts that are storable but make SQL, numbers, keys, paths or markup where they are pasted in unquoted. */
export const trickyTexts: readonly string[] = [
  ...sqlTexts,
  '<script>alert(1)</script>',
  '../../etc/passwd',
  '{{7*7}} %s %n',
  '\r\nSet-Cookie: a=b',
  'null',
  'undefined',
  'NaN',
  '-Infinity',
  '0x10',
  '1e3',
  '٣',
  '__proto__',
  'constructor',
  '\u202e\ufeff\u0007',
]

/** Texts that nothing may accept: NUL, halves of surrogate pairs, and far too long. */
export const unstorableTexts: readonly string[] = [
  '\u0000',
  'a\u0000b',
  '\ud800',
  'a\udfffb',
  '\udc00\ud800',
  'long enough for \u0000 a password',
  'long enough for \udbff a password',
  'x'.repeat(20_000),
]

/** Texts that are nearly a UUID. */
export const nearUuids: readonly string[] = [
  '018f4b7e-0000-7000-8000-00000000000',
  '018f4b7e-0000-7000-8000-0000000000000',
  '018f4b7e-0000-7000-8000-00000000000g',
  '018f4b7e000070008000000000000000',
  '{018f4b7e-0000-7000-8000-000000000000}',
  'urn:uuid:018f4b7e-0000-7000-8000-000000000000',
  '018f4b7e-0000-7000-8000-000000000000\n',
  ' 018f4b7e-0000-7000-8000-000000000000',
  '018f4b7e-0000-7000-8000-000000000000,018f4b7e-0000-7000-8000-000000000000',
]

/** JSON literals that are no value of a text, an integer or an object; numbers as JavaScript could not write them. */
export const wrongLiterals: readonly string[] = [
  'null',
  'true',
  'false',
  '{}',
  '[]',
  '[1]',
  '[""]',
  '{"toString":"x"}',
  '{"__proto__":{"a":1}}',
  '{"$ne":null}',
  '0.5',
  '-0.5',
  '1e-7',
  '1e308',
  '1e999',
  '-1e999',
  '9007199254740993',
  '-9007199254740993',
  '18446744073709551616',
  `${'9'.repeat(400)}`,
  `${'['.repeat(20)}${']'.repeat(20)}`,
]

/** Bodies that are no JSON object. */
export const brokenBodies: readonly (string | Uint8Array<ArrayBuffer>)[] = [
  '',
  ' ',
  '{',
  '}',
  '{"',
  '{"a":',
  '{"a":1,}',
  "{'a':1}",
  '{a:1}',
  '{}{}',
  '{} x',
  '[]',
  '[{}]',
  'null',
  'true',
  '1',
  '-',
  'NaN',
  'Infinity',
  '"text"',
  '{"a":"\u0000"}',
  '{"a":"\n"}',
  '{"a":"\\x41"}',
  '{"a":"\\ud8"}',
  '/**/{}',
  '['.repeat(40_000) + ']'.repeat(40_000),
  `${'{"a":'.repeat(15_000)}1${'}'.repeat(15_000)}`,
  ' '.repeat(150_000),
  `{"a":"${'x'.repeat(150_000)}"}`,
  Uint8Array.of(0),
  Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0),
  Uint8Array.of(0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x7d),
  Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0),
]

/** Content types that no route takes. */
export const wrongContentTypes: readonly string[] = [
  '',
  'text/plain',
  'text/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/xml',
  'application/jsonx',
  'application/json-seq',
  'application/json/',
  `text/plain; application/json`,
  'x'.repeat(5_000),
]

/** Percent-encodings that are no text, or hide a separator, as they stand in a path or a query. */
export const brokenEncodings: readonly string[] = [
  '%',
  '%0',
  '%zz',
  '%00',
  '%ff%fe',
  '%c0%ae',
  '%ed%a0%80',
  '..%2f..%2fetc%2fpasswd',
  '%2fx',
  '%0d%0aSet-Cookie:%20a=b',
  '%25%30%30',
]
