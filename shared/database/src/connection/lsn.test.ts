import { expect, test } from 'bun:test'
import { formatLsn, parseLsn } from './lsn.ts'

test('a position in the log is read and written as PostgreSQL does', () => {
  const texts = ['0/0', '0/16B3748', '16/B374D848', 'FFFFFFFF/FFFFFFFF']
  expect(texts.map((text) => formatLsn(parseLsn(text) ?? -1n))).toEqual(texts)
  expect(parseLsn('1/0')).toBe(1n << 32n)
})

test.each([null, undefined, '', '0', '0/', '/0', '123456789/0', '0/0 ', '0/g', 'unknown', 5])(
  '%p is no position in the log',
  (text) => {
    expect(parseLsn(text)).toBeNull()
  },
)
